"""Search by vectors: the records whose vectors are nearest to one that the caller brings."""
