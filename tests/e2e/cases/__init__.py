"""The end-to-end cases, a file a theme; `run` names them `theme.case`."""
