"""The JSON GitHub shows for each thing in the world, as its OpenAPI document describes it.

Every function takes `api`, the root of the API as the caller reached it, for the addresses inside.
"""
