"""What a study tells: Markdown, CSV and JSON, and lines for a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from encoders.onnx_runtime import write_whole
from experiments.alignment import segment_lengths
from experiments.alignment.generalised_procrustes import Together
from experiments.alignment.loss_ablation import Part
from experiments.alignment.pairs import FOLDS
from experiments.alignment.segment_lengths import Films, over_all
from experiments.alignment.statistics import TOLD, Found, Row, to_json
from experiments.alignment.study import DEEP, DEPTH, Plan
from experiments.alignment.synthetic import CASES, NEAR, oracle
from experiments.alignment.verdict import Verdict, judged
from experiments.statistics.report import Bar, Cell, Figure, machine, table

WANTED = 0.33  # P@5 from voice to face that was set out to be reached (PLS .20, chance .13)
EXACT = 1e-6  # a known rotation is recovered within it


@dataclass(frozen=True, kw_only=True)
class Told:
    """A whole run: sets by name, the learned mapping taken apart, what was left out, a folder of videos."""

    found: Mapping[str, Found]
    parts: Sequence[Part]
    left_out: Mapping[str, str]
    plan: Plan
    together: Sequence[Together] = ()
    films: Films | None = None

    def verdicts(self) -> dict[str, Verdict]:
        """By set."""
        return {name: judged(one) for name, one in self.found.items()}


def rules(plan: Plan) -> list[str]:
    """How the figures were made."""
    return [
        f"All figures are of what was held out: groups in {FOLDS} folds, each map fitted on the others. "
        "In brackets the 95 % bootstrap interval over whole groups (2000 draws).",
        "Disparity: squared error as a share of that of the anchors' mean, in the target's own coordinates; "
        "0 is perfect, 1 knows nothing, and more is worse than nothing. Of a similarity on its own anchors "
        "it is scipy's M^2.",
        f"p: a map fitted on half of the groups, the other half's pairs shuffled {plan.draws} times; Holm's "
        "correction over all maps of a set. PROTEST (Jackson 1995) shuffles the pairs of the Procrustes "
        "analysis of all readings together, as the report made it; its M^2 is not held out.",
        f"Shuffled pairs: disparity of maps fitted anew on {plan.shuffles} shuffles of the anchors.",
        "What is shuffled: any rows, rows within a group, or whole groups; each set says which.",
        "Swapped axes: how much the disparity rises when the fitted map gets the source's axes in reverse.",
        f"P@{DEPTH}: same emotion among the nearest {DEPTH} of the fold's targets, the row's own pair among "
        "them; \"others\" is without it. "
        f"nDCG@{DEEP}: gain exp(-distance) of true valence and arousal where known, else of the readings.",
        "Least squares draws towards the mean; for retrieval its maps get the target's spread back.",
        "Gain: how much lower the disparity is than identity's, or than the best linear map's, over the same "
        "draws.",
    ]  # fmt: skip


def bars(told: Told) -> list[Bar]:
    """What was set out to be reached, of the sets that were studied."""
    found: list[Bar] = []
    turned = told.found.get("synthetic-rotation")
    if turned is not None:
        for name in ("rotation", "procrustes"):
            if name in turned.outcomes:
                far = float(abs(turned.outcomes[name].mapped - turned.known.target).max())
                found.append(
                    Bar(
                        what=f"known rotation by {name}, farthest point", found=far, wanted=EXACT, least=False
                    )
                )
    for case, least in (("non-linear", True), ("similarity", False)):
        one = told.found.get(f"synthetic-{case}")
        row = next((row for row in one.rows if row.name == "learned mapping"), None) if one else None
        if row is not None and row.beyond is not None and row.beyond.low is not None:
            what = f"synthetic {case}: learned mapping's gain on the best linear map, lower end"
            found.append(Bar(what=what, found=row.beyond.low, wanted=0.0, least=least))
    voice = told.found.get("ravdess_emotions")
    plain = next((row for row in voice.rows if row.name == "identity"), None) if voice else None
    if plain is not None and plain.hits is not None:
        found.append(
            Bar(
                what=f"voice to face, same emotion P@{DEPTH}",
                found=plain.hits.value,
                wanted=WANTED,
                least=True,
            )
        )
    if voice is not None and voice.fusion is not None and voice.fusion.beyond.low is not None:
        what = "voice and face together over the better sense, lower end"
        found.append(Bar(what=what, found=voice.fusion.beyond.low, wanted=0.0, least=True))
    return found


def everything(told: Told) -> dict[str, Any]:
    """All of it, for results.json."""
    verdicts = told.verdicts()
    return {
        "plan": asdict(told.plan),
        "machine": machine(),
        "rules": rules(told.plan),
        "sets": {
            name: {**to_json(one), "verdict": asdict(verdicts[name]), **_expected(name, one)}
            for name, one in told.found.items()
        },
        "learned mapping taken apart": [part.to_json() for part in told.parts],
        "several senses together": [one.to_json() for one in told.together],
        "left out": dict(told.left_out),
        "videos": None if told.films is None else segment_lengths.to_json(told.films, told.found),
        "bars": [bar.to_json() for bar in bars(told)],
    }


def write(out: Path, told: Told) -> list[Path]:
    """Write report.md, maps.csv and results.json, each whole."""
    texts = {
        "report.md": to_markdown(told),
        "maps.csv": to_csv(told),
        "results.json": json.dumps(everything(told), indent=1),
    }
    for name, text in texts.items():
        write_whole(out / name, text.encode())
    return [out / name for name in texts]


def summary(told: Told) -> list[dict[str, Cell]]:
    """A line a set."""
    lines: list[dict[str, Cell]] = []
    for name, verdict in told.verdicts().items():
        one = told.found[name]
        linear, curved = one.best("linear"), one.best("curved")
        hits = max((r for r in one.rows if r.hits), key=lambda r: r.hits.value if r.hits else 0, default=None)
        lines.append({
            "set": name,
            "pairs": len(one.known.rows),
            "M^2 (PROTEST p)": _analysis(one),
            "best linear": _named(linear),
            "best curved": _named(curved),
            f"best P@{DEPTH} (chance)": _hits(hits, one.chance),
            "spaces": verdict.standing,
            "hypothesis": verdict.hypothesis,
        })  # fmt: skip
    return lines


def on_terminal(told: Told) -> list[str]:
    """The summary, the verdicts and the bars."""
    lines = [*table(summary(told)), ""] if told.found else []
    if told.films is not None:
        lines += [*table(_varied(told.films)), "", *table(_lengths(told.films, told)), ""]
    for name, verdict in told.verdicts().items():
        lines.append(f"{name}: {verdict.words}")
        if verdict.hypothesis != "not tested":
            lines.append(f"  hypothesis {verdict.hypothesis}: {verdict.hypothesis_words}")
    lines += [f"{name}: left out, {why}" for name, why in _elsewhere(told).items()]
    return [*lines, *map(str, bars(told))]


def to_csv(told: Told) -> str:
    """One line a set and map; every figure with its interval."""
    text = io.StringIO()
    figures = ("disparity", "mean ccc", "gain on identity", "gain on best linear", "swapped rise",
               f"P@{DEPTH}", f"P@{DEPTH} others", f"nDCG@{DEEP}")  # fmt: skip
    ends = ("", " low", " high")
    header = [
        "set", "map", "kind", *(f"{name}{end}" for name in figures for end in ends), "p", "p holm",
        "shuffled mean", "shuffled least", "reflection", "warnings",
    ]  # fmt: skip
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for name, one in told.found.items():
        for row in one.rows:
            cells: list[Any] = [name, row.name, row.kind]
            for value in (
                row.disparity, row.mean_ccc, row.gain, row.beyond, row.swapped, row.hits, row.others,
                row.graded,
            ):  # fmt: skip
                cells += ["", "", ""] if value is None else [value.value, value.low, value.high]
            reflection = "" if row.reflection is None else row.reflection
            writer.writerow([*cells, row.p, row.holm, *row.null, reflection, "; ".join(row.warnings)])
    return text.getvalue()


def to_markdown(told: Told) -> str:
    """The whole report."""
    lines = ["# Alignment study", "", *(_table(summary(told)) if told.found else []), ""]
    if told.films is not None:
        lines += _films(told.films, told)
    if elsewhere := _elsewhere(told):
        lines += [*(f"* {name}: left out, {why}." for name, why in elsewhere.items()), ""]
    if found := bars(told):
        lines += ["## Bars", "", *(f"* {bar}" for bar in found), ""]
    verdicts = told.verdicts()
    for name, one in told.found.items():
        lines += _section(name, one, verdicts[name])
    if told.together:
        lines += ["## Several senses together", "", *_table([
            {
                "set": one.name, "senses": ", ".join(one.senses), "rows": one.rows,
                "disparity": f"{one.disparity:.3f}", "on shuffled senses": f"{one.null:.3f}",
                "p": f"{one.p:.3f}", "mirrored against the first": ", ".join(one.reflections),
            }
            for one in told.together
        ]), "", "Generalised Procrustes analysis (Gower 1975): scatter about the consensus as a share of "
        "all; not held out.", ""]  # fmt: skip
    if told.parts:
        lines += _apart(told.parts)
    lines += ["## How the figures were made", "", *(f"* {rule}" for rule in rules(told.plan)), ""]
    return "\n".join(lines)


def _elsewhere(told: Told) -> dict[str, str]:
    """What was left out and is not in the table of lengths."""
    tabled = told.films.pairs() if told.films is not None else {}
    return {name: why for name, why in told.left_out.items() if name not in tabled}


def _films(films: Films, told: Told) -> list[str]:
    """What a folder of videos gave at every length of segment."""
    folder = films.folder
    left = [f"{folder.silent} more have no sound track", f"{folder.twice} are copies"]
    return [
        f"## Videos of {folder.name}", "",
        f"{len(folder.videos)} videos with sound, {films.seconds / 60:.1f} minutes; {', '.join(left)}.", "",
        *(f"* Left out: {file}: {why}." for file, why in folder.refused.items()),
        *([""] if folder.refused else []),
        "How readings vary inside segments: root mean square standard deviation, with the 95 % interval over "
        "whole videos (without, where those are too few), and the share of all scatter that lies inside.", "",
        *_table(_varied(films)), "",
        "* A picture is read each second. Sound is read from 3 s about each half second, so that neighbours "
        "share most of what they hear and segments shorter than 3 s look steadier than they are.",
        "* In a video no longer than a segment all scatter but that between videos lies inside: lengths "
        "compare only where videos are longer than all of them.",
        "", "The senses of one segment, by its length:", "", *_table(_lengths(films, told)), "",
        "* The best map is chosen by the disparity that is told of it, which is too low for that. p over all "
        "is the least of the set's maps after Holm's correction over maps, and over the folder's sets too.",
        "* Sets of one folder are the same videos cut anew: they are no independent findings.", "",
    ]  # fmt: skip


def _varied(films: Films) -> list[dict[str, Cell]]:
    """A line a sense and length."""
    return [
        {
            "sense": one.sense, "segment": f"{one.found.seconds:g} s",
            "segments, videos": f"{one.found.segments}, {one.videos}",
            **{
                f"SD inside, {name}": "too short" if one.inside is None else _three(one.inside[at])
                for at, name in enumerate(("valence", "arousal"))
            },
            "share of scatter": "" if one.inside is None else ", ".join(f"{v:.2f}" for v in one.found.share),
        }
        for one in films.varied
    ]  # fmt: skip


def _lengths(films: Films, told: Told) -> list[dict[str, Cell]]:
    """A line a length and pair of senses: the readings as they stand, and the best map."""
    lines: list[dict[str, Cell]] = []
    sure = over_all({name: told.found[name] for name in films.pairs() if name in told.found})
    for name in films.pairs():
        one = told.found.get(name)
        if one is None:
            lines.append({"set": name, "left out": told.left_out.get(name, "")})
            continue
        plain = next(row for row in one.rows if row.name == "identity")
        best = one.best("linear", "curved") or plain
        lines.append({
            "set": name, "segments": len(one.known.rows), "videos": len(set(one.known.groups.tolist())),
            "CCC without a map": ", ".join(_three(ccc) for ccc in plain.ccc), "best map": best.name,
            "disparity": _three(best.disparity), "p over all": f"{sure[name]:.3f}",
        })  # fmt: skip
    return lines


def _section(name: str, one: Found, verdict: Verdict) -> list[str]:
    pairs = one.known.pairs
    analysis = one.analysis
    lines = [f"## {name}", "", f"**{verdict.words}**", ""]
    if verdict.hypothesis != "not tested" or pairs.made:
        lines += [f"Hypothesis of section 8.1, {verdict.hypothesis}: {verdict.hypothesis_words}", ""]
    groups = len(set(one.known.groups.tolist()))
    lines += [
        f"* {pairs.senses[0]} to {pairs.senses[1]}, {len(one.known.rows)} pairs in {groups} groups, "
        f"{one.known.source.shape[1]} columns to {one.known.target.shape[1]}; shuffled: {pairs.exchange}.",
        *(f"* {note[:1].upper()}{note[1:]}." for note in pairs.notes),
    ]
    if analysis is not None and one.cosine is not None:
        lines.append(
            f"* Procrustes as the report used it: disparity {analysis.disparity:.3f}, average cosine "
            f"{one.cosine:.2f} (unrelated clouds have .5); PROTEST t {analysis.t:.3f}, p {analysis.p:.3f}."
        )
    if one.chance is not None:
        lines.append(f"* P@{DEPTH} by chance {one.chance:.3f}.")
    if one.floor is not None:
        lines.append(f"* nDCG@{DEEP} in random order {one.floor:.3f}.")
    if one.fusion is not None:
        lines.append(
            f"* Emotion named right: {pairs.senses[0]} {one.fusion.source}, {pairs.senses[1]} "
            f"{one.fusion.target}, both {one.fusion.both}; both over the better one {one.fusion.beyond}."
        )
    lines += [f"* Warning: {warning}." for warning in one.warnings]
    lines += [f"* {map_} left out: {why}." for map_, why in one.left_out.items()]
    lines += ["", *_table([_cells(row, one) for row in one.rows]), ""]
    lines += ["Controls:", "", *_table([_controls(name, row, one) for row in one.rows]), ""]
    if any(row.curve for row in one.rows):
        lines += ["Disparity by number of anchors:", "", *_table([
            {"map": row.name, **{f"{size}": f"{value:.3f}" for size, value in row.curve}} for row in one.rows
        ]), ""]  # fmt: skip
    return lines


def _cells(row: Row, one: Found) -> dict[str, Cell]:
    names = one.known.pairs.columns
    cells: dict[str, Cell] = {"map": row.name, "disparity": _three(row.disparity)}
    if len(names) <= TOLD:
        cells |= {f"CCC {name}": _three(ccc) for name, ccc in zip(names, row.ccc, strict=True)}
    else:
        cells["mean CCC"] = _three(row.mean_ccc)
    return {
        **cells, f"P@{DEPTH}": _three(row.hits), "others": _three(row.others),
        f"nDCG@{DEEP}": _three(row.graded), "gain on identity": _three(row.gain),
        "gain on best linear": _three(row.beyond),
    }  # fmt: skip


def _controls(name: str, row: Row, one: Found) -> dict[str, Cell]:
    expected = _expected(name, one).get("recovered", {}).get(row.name)
    cells: dict[str, Cell] = {
        "map": row.name, "p": f"{row.p:.3f}", "p (Holm)": f"{row.holm:.3f}",
        "shuffled pairs: mean, least": f"{row.null[0]:.3f}, {row.null[1]:.3f}",
        "rise with swapped axes": _three(row.swapped),
        "reflects": "" if row.reflection is None else f"{100 * row.reflection:.0f} % of folds",
    }  # fmt: skip
    if expected is not None:
        told = {True: "yes", False: "no"}
        cells["recovered: expected, found"] = f"{told[expected['expected']]}, {told[expected['found']]}"
    return {**cells, "warnings": "; ".join(row.warnings)}


def _expected(name: str, one: Found) -> dict[str, Any]:
    """Of a synthetic set: which maps were expected to recover its relation, and which did."""
    case = name.removeprefix("synthetic-")
    if name == case or case not in CASES:
        return {}
    bound = oracle(case, one.known.pairs)
    shared = CASES[case].shared
    return {
        "disparity of the truth": bound,
        "recovered": {
            row.name: {
                "expected": row.name in CASES[case].recovers,
                "found": shared and row.disparity.value <= bound + NEAR,
            }
            for row in one.rows
        },
    }


def _apart(parts: Sequence[Part]) -> list[str]:
    return [
        "## The learned mapping taken apart", "",
        "On the non-linear synthetic pair. Spread is that of the new values, where bounded f1 and f2 have 1; "
        "not affine is the share of a2's variance that no affine map of a1 gives.", "",
        *_table([
            {
                "variant": part.name, "what it is": part.told, "spread": f"{part.spread:.3f}",
                "collapsed": "yes" if part.collapsed else "no", "not affine": f"{part.bent:.3f}",
                "disparity": f"{part.disparity:.3f}",
            }
            for part in parts
        ]), "",
    ]  # fmt: skip


def _table(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if any(row.get(name) not in (None, "") for row in rows)]
    lines = [names, ["---"] * len(names)]
    lines += [
        ["" if row.get(name) is None else str(row[name]).replace("|", "\\|") for name in names]
        for row in rows
    ]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _three(one: Figure | None) -> str:
    if one is None:
        return ""
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _analysis(one: Found) -> str:
    return "" if one.analysis is None else f"{one.analysis.disparity:.3f} ({one.analysis.p:.3f})"


def _named(row: Row | None) -> str:
    return "" if row is None else f"{row.name} {_three(row.disparity)}"


def _hits(row: Row | None, chance: float | None) -> str:
    if row is None or row.hits is None or chance is None:
        return ""
    return f"{row.name} {row.hits.value:.3f} ({chance:.3f})"
