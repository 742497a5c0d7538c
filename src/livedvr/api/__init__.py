"""HTTP: what is asked of a controller over the network. Imported only by who opens it: the CLI starts fast."""
