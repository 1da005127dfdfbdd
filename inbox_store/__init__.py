"""The nouns, the state tables, every fact and all waiting work.

A fact is a *program* (``inbox_store.programs``): a generator that yields statements and receives rows. An engine
(``inbox_store.embedded``) runs one program as one transaction. No room above is ever imported here.
"""
