"""The end-to-end cases, one file per theme. `run` names a case `theme.case`."""
