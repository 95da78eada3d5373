"""Decide whether a result is right, which side is at fault where it is not, and which pass made it wrong.

Running executors and turning a verdict into a sample's outcome belongs in `harness.running`. Start reading at
`reference.py` (eager's results and their bounds), then `compare.py` (a result against them) and `blame.py` (from the
executors' verdicts to an outcome).
"""
