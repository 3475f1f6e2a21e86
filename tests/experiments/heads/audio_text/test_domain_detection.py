"""Texts that belong are told from others."""

from labelled_clips import bags

from experiments.heads.audio_text.domain_detection import evaluate_domain_detection
from experiments.heads.audio_text.prompts import list_prompts


def test_belonging_takes_what_is_asked_out_of_what_is_known():
    heard = {"names": ["dog"], "synonyms": ["puppy"] * 9, "phrases": ["a dog"] * 9}
    told = {**heard, "things": ["a bicycle", "economics"] * 9}
    known = [prompt for prompt in list_prompts() if prompt.text in ("a dog barking", "dog")]
    found = evaluate_domain_detection(told, known, ["a bicycle", "the moon"], bags, 0.3, seed=0)
    assert found["belongs: names"].value == 1 and found["belongs: phrases"].value == 1
    assert 0 <= found["belongs: area under the ROC"].value <= 1
    assert set(found) == {f"belongs: {name}" for name in (*told, "area under the ROC")}
