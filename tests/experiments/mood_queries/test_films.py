"""Films whose mood takes a known course, and how often the right one is first."""

import numpy as np

from encoders.media import probe
from experiments.mood_queries.film_search import summarise_courses
from experiments.mood_queries.films import COURSES, Film, generate_films, render_films

LEVEL = 0.4  # of arousal, that calm and excited music lie beyond


def test_the_music_takes_the_course_of_the_film():
    films = generate_films(5, seed=3)
    assert [film.course for film in films] == list(COURSES) * 5
    for film in films:
        arousal = np.array([clip.arousal for clip in film.clips])
        signs = np.sign(arousal[np.abs(arousal) > LEVEL])
        turns = signs[np.flatnonzero(np.diff(signs, prepend=0))]
        wanted = np.sign(COURSES[film.course]).tolist()
        assert turns.tolist() == wanted, film


def test_a_seed_gives_the_same_films_and_another_gives_others():
    one, again, other = (generate_films(2, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert generate_films(1, 1) == one[: len(COURSES)]


def test_a_film_is_rendered_once_with_its_sound(tmp_path):
    (film,) = generate_films(1, seed=0)[:1]
    short = Film(name=film.name, course=film.course, clips=film.clips[:2])
    (path,) = render_films(tmp_path, [short], quiet=True)
    written, found = path.stat().st_mtime_ns, probe(path)
    assert found.modality == "video" and found.channels == 1 and abs(found.duration - 6) < 0.2
    assert render_films(tmp_path, [short], quiet=True) == [path] and path.stat().st_mtime_ns == written


def test_a_film_is_first_where_it_beats_all_of_other_courses():
    films = [
        Film(name=f"{course} {at}", course=course, clips=()) for course in ("up", "down") for at in (0, 1)
    ]
    scores = {
        "up": {"up 0": 0.9, "up 1": 0.4, "down 0": 0.5, "down 1": 0.1},
        "down": {"up 0": 0.2, "down 0": 0.3, "down 1": 0.2},
    }
    found = summarise_courses(films, scores)
    assert found["of"] == 4 and found["by course"] == {"up": 0.5, "down": 0.5}
    assert found["value"].value == 0.5 and found["value"].low < 0.5 < found["value"].high
