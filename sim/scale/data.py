"""doc/scale.json: measured unit costs, assumptions, prices, and what the cluster's bench measured."""
import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "doc", "scale.json")
CASES = ("low", "middle", "high")


class Data:
    def __init__(self, path=PATH):
        with open(path) as f:
            self.json = json.load(f)
        self.measured, self.assumed, self.prices = (self.json[k] for k in ("measured", "assumed", "prices"))

    def cost(self, name):
        """A measured value, in its unit."""
        return float(self.measured[name]["value"])

    def given(self, name, case="middle"):
        """An assumption; one with a single value has it in every case."""
        a = self.assumed[name]
        return float(a[case] if case in a else a["value"])

    def price(self, name, case="middle"):
        return float(self.prices[name][case])
