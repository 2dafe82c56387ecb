"""From alignment to performance: head models, the fit, identity, retarget, the tracker."""
