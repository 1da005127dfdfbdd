"""The doors of administration: accounts, organisation, registers, figures, trace."""
