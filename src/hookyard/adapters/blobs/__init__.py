"""Large bytes under names that never change: in a folder, in S3, or in memory for tests."""
