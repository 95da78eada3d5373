"""What has changed between two journals, sample by sample: `diff.diff` compares them, `transition` holds the rules.

`change` has one sample that changed, `group` what changed alike, `side` what must be known of either run.
"""
