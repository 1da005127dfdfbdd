"""Who may do what, and how one comes to be known: the policy matrix, tokens, passwords, accounts and their life."""
