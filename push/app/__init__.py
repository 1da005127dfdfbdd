"""Mobile push: every vendor's way to a phone, behind one port."""
