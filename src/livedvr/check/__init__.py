"""`livedvr check`: loads a presentation, holds it against the rules, opens its segments."""
