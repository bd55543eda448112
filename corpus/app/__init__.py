"""The assessment studio: a web application in which people order the candidates of a corpus."""
