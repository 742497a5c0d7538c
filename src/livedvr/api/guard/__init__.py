"""Who may ask for what, how often, and how much at a time: the same for both doors."""
