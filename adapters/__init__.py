"""One folder for each vendor. An adapter imports ``plugins`` and itself, nothing else of this tree."""
