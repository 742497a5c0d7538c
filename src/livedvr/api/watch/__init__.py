"""What an operator sees: log lines, metrics, whether the server is alive and ready."""
