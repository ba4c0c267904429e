"""Lets Osprey workers judge the events of Atmosphere Mail. `plugin` is what Osprey loads; all else needs no Osprey."""
