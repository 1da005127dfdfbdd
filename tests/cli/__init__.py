"""The verbs that ask a server or look into the data folder, against a real `songda serve`."""
