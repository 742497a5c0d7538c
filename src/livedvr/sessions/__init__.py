"""DVR sessions: the state table, the plan (pure), and the manager that makes the plan true."""
