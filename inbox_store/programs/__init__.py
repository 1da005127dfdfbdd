"""Facts as programs: each generator is one transaction, free of sockets, clocks and drivers."""
