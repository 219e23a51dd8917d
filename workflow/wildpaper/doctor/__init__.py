"""Before anything is started: what this machine can run, and which claims that covers."""
