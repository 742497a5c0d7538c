"""Where objects live: the ObjectStore contract and its stores."""
