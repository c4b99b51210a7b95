"""Whether JSON-LD is of CASE 1.4 and UCO 1.4: the classes and properties that our exports use, as the ontologies
(github.com/casework/CASE and github.com/ucoProject/UCO, releases 1.4.0, ontology/*.ttl) define them with their SHACL
shapes: which properties a class has, of what datatype or class, how many; nodes are IRIs that end in a UUID."""
import re

# Class: (parent, {property: (kind, how many at most, is it needed)}).
# kind: a datatype, "iri CLASS" for a node.
OBJECT = "uco-core:UcoObject"
MANY = 1 << 30
CLASSES = {
    OBJECT: (None, {
        "uco-core:name": ("string", 1, False), "uco-core:description": ("string", MANY, False),
        "uco-core:tag": ("string", MANY, False), "uco-core:objectCreatedTime": ("xsd:dateTime", 1, False),
        "uco-core:hasFacet": ("iri uco-core:Facet", MANY, False),
        "uco-core:externalReference": ("iri uco-core:ExternalReference", MANY, False)}),
    "uco-core:Facet": (None, {}),
    "uco-core:ExternalReference": (None, {"uco-core:definingContext": ("string", 1, False),
                                          "uco-core:externalIdentifier": ("string", 1, False)}),
    "uco-core:ConfidenceFacet": ("uco-core:Facet", {"uco-core:confidence": ("xsd:nonNegativeInteger", 1, True)}),
    "uco-core:Annotation": (OBJECT, {"uco-core:statement": ("string", MANY, False),
                                     "uco-core:object": ("iri " + OBJECT, MANY, True)}),
    "uco-core:Compilation": (OBJECT, {"uco-core:object": ("iri " + OBJECT, MANY, False)}),
    "uco-core:Grouping": ("uco-core:Compilation", {"uco-core:context": ("string", MANY, False)}),
    "uco-core:Relationship": (OBJECT, {
        "uco-core:source": ("iri " + OBJECT, MANY, True), "uco-core:target": ("iri " + OBJECT, 1, True),
        "uco-core:isDirectional": ("bool", 1, True), "uco-core:kindOfRelationship": ("string", 1, False),
        "uco-core:startTime": ("xsd:dateTime", MANY, False)}),
    "uco-identity:Identity": (OBJECT, {}),
    "uco-identity:Person": ("uco-identity:Identity", {}),
    "uco-identity:Organization": ("uco-identity:Identity", {}),
    "uco-observable:ObservableObject": (OBJECT, {}),
    "uco-observable:DigitalAddressFacet": ("uco-core:Facet", {"uco-observable:addressValue": ("string", 1, False),
                                                              "uco-observable:displayName": ("string", 1, False)}),
    "uco-observable:DomainNameFacet": ("uco-core:Facet", {"uco-observable:value": ("string", 1, False)}),
    "uco-observable:AccountFacet": ("uco-core:Facet", {"uco-observable:accountIdentifier": ("string", 1, False)}),
    "uco-observable:DigitalAccountFacet": ("uco-core:Facet", {"uco-observable:displayName": ("string", 1, False)}),
    "uco-observable:PhoneAccountFacet": ("uco-core:Facet", {"uco-observable:phoneNumber": ("string", 1, False)}),
    "uco-observable:FileFacet": ("uco-core:Facet", {"uco-observable:fileName": ("string", 1, False)}),
    "uco-observable:ContentDataFacet": ("uco-core:Facet", {"uco-observable:hash": ("iri uco-types:Hash", MANY, False)}),
    "uco-types:Hash": (None, {"uco-types:hashMethod": ("string", 1, True), "uco-types:hashValue": ("xsd:hexBinary", 1, True)}),
    "uco-action:Action": (OBJECT, {
        "uco-action:startTime": ("xsd:dateTime", 1, False), "uco-action:endTime": ("xsd:dateTime", 1, False),
        "uco-action:performer": ("iri " + OBJECT, 1, False), "uco-action:object": ("iri " + OBJECT, MANY, False),
        "uco-action:result": ("iri " + OBJECT, MANY, False)}),
    "case-investigation:InvestigativeAction": ("uco-action:Action", {}),
    "case-investigation:Subject": (OBJECT, {}),
    "case-investigation:ProvenanceRecord": ("uco-core:Compilation", {
        "case-investigation:exhibitNumber": ("string", 1, False)}),
    "case-investigation:Investigation": ("uco-core:Compilation", {
        "case-investigation:investigationForm": ("string", 1, False)}),
}
for name in ("DomainName", "EmailAddress", "IPv4Address", "IPv6Address", "Account", "DigitalAccount", "PhoneAccount",
             "InstantMessagingAddress", "File", "ContentData"):
    CLASSES["uco-observable:" + name] = ("uco-observable:ObservableObject", {})
for name in ("EmailAddressFacet", "IPv4AddressFacet", "IPv6AddressFacet", "InstantMessagingAddressFacet"):
    CLASSES["uco-observable:" + name] = ("uco-observable:DigitalAddressFacet", {})
HASHES = {"MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"}
PREFIXES = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/", "xsd": "http://www.w3.org/2001/XMLSchema#"}


def parents(name):
    while name:
        yield name
        name = CLASSES[name][0] if name in CLASSES else None


def properties(name):
    out = {}
    for c in parents(name):
        for key, value in CLASSES[c][1].items() if c in CLASSES else ():
            out.setdefault(key, value)
    return out


class Checker:
    def __init__(self):
        self.found, self.types, self.refs, self.facets = [], {}, [], {}

    def node(self, o):
        kind, name = o.get("@type"), o.get("@id")
        if not name or not re.search(r"^kb:.*[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", name):
            self.found.append("no IRI that ends in a UUID: %s" % name)
        if name in self.types:
            self.found.append("twice: %s" % name)
        self.types[name] = kind
        if kind not in CLASSES:
            self.found.append("no class %s" % kind)
            return
        known = properties(kind)
        for key, (_, _, needed) in known.items():
            if needed and key not in o:
                self.found.append("%s without %s" % (kind, key))
        for key, value in o.items():
            if key[0] == "@":
                continue
            if key not in known:
                self.found.append("%s has no %s" % (kind, key))
                continue
            values = value if isinstance(value, list) else [value]
            if len(values) > known[key][1] or not values:
                self.found.append("%s: %d of %s" % (kind, len(values), key))
            for v in values:
                self.value(key, known[key][0], v)

    def value(self, key, kind, v):
        if kind == "string":
            good = isinstance(v, str)
        elif kind == "bool":
            good = isinstance(v, bool)
        elif kind.startswith("xsd:"):
            good = isinstance(v, dict) and v.get("@type") == kind and isinstance(v.get("@value"), str)
            shape = {"xsd:dateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "xsd:hexBinary": r"([0-9a-f]{2})+",
                     "xsd:nonNegativeInteger": r"\d+"}[kind]
            good = good and bool(re.fullmatch(shape, v["@value"]))
        else:
            good = isinstance(v, dict) and "@id" in v
            if good:
                self.refs.append((key, v["@id"], kind[4:]))
                if key == "uco-core:hasFacet":
                    self.facets[v["@id"]] = self.facets.get(v["@id"], 0) + 1
                if set(v) != {"@id"}:
                    self.node(v)
        if not good or (key == "uco-types:hashMethod" and v not in HASHES):
            self.found.append("%s: %.100r" % (key, v))


def wrong_in(document):
    """What is wrong with it: a list of texts."""
    c = Checker()
    if {k: v for k, v in document["@context"].items() if k != "kb"} != PREFIXES or "kb" not in document["@context"]:
        c.found.append("another context")
    for o in document["@graph"]:
        c.node(o)
    for key, name, kind in c.refs:
        if name not in c.types:
            c.found.append("%s leads nowhere: %s" % (key, name))
        elif kind not in parents(c.types[name]):
            c.found.append("%s is a %s, not a %s" % (key, c.types[name], kind))
    c.found += ["a facet of two: " + f for f, n in c.facets.items() if n > 1]
    return c.found
