"""The organisation file: a template to fill in, a reader that cannot be stalled, a check that finds every fault.

``read`` (a clean child process parses the untrusted file) gives raw cells, ``check`` (pure) turns them into rows and
faults, ``template`` and ``write`` make files of the same format.
"""
