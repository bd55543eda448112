"""AutoClusterer: search for the partition that a person would accept."""
