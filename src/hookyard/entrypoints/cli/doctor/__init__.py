"""`hookyard doctor`: every setting, every dependency, and the fix for what is wrong."""
