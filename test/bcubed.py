"""How well found groups match labelled ones: B-cubed precision, recall and F1 (Bagga and Baldwin, 1998), and over-merging."""
from collections import Counter


def bcubed(pairs):
    """Of (label, group) for each item: precision, recall, F1."""
    both = Counter(pairs)
    labels = Counter(label for label, _ in pairs)
    groups = Counter(group for _, group in pairs)
    precision = sum(n * n / groups[group] for (label, group), n in both.items()) / len(pairs)
    recall = sum(n * n / labels[label] for (label, group), n in both.items()) / len(pairs)
    return precision, recall, 2 * precision * recall / (precision + recall)


def over_merged(pairs):
    """Share of the items that lie in a group where another label has most."""
    most = {}
    for (label, group), n in Counter(pairs).items():
        if n > most.get(group, (0, None))[0]:
            most[group] = (n, label)
    return sum(most[group][1] != label for label, group in pairs) / len(pairs)


def time_to_campaign(sequence):
    """For each label its mails, in order, before one was put where most of its mails are: {label: how many}.
    `sequence` is (label, group) in order of arrival."""
    home = {}
    for (label, group), n in Counter(sequence).items():
        if n > home.get(label, (0, None))[0]:
            home[label] = (n, group)
    seen, found = Counter(), {}
    for label, group in sequence:
        seen[label] += 1
        if label not in found and home[label][1] == group:
            found[label] = seen[label]
    return found
