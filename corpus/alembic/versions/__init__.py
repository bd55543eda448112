"""One file a change of the schema, its number first in its name; never edit one that was released."""
