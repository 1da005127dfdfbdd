"""What doors, flows, rules and the command line must hold."""
