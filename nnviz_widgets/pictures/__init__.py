"""Everything that is drawn and told of a recording, as messages of the protocol: for a live view and for a file."""
