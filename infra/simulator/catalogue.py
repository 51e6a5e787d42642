"""The invented catalogue: titles of no real film, genres and years."""

from collections.abc import Iterator

import numpy as np

from infra.simulator.options import SimulatorOptions
from infra.simulator.world import GENRES, STYLES, World, build_world, generator
from topshelf.catalog import Movie

__all__ = ["catalogue", "movie_id"]


def _words(text: str) -> tuple[str, ...]:
    """Words, or phrases tied by hyphens."""
    return tuple(word.replace("-", " ") for word in text.split())


_ADJECTIVES = _words(
    "Amber Ashen Borrowed Brass Brittle Candlelit Clockwork Copper Counterfeit Crooked Distant "
    "Drifting Driftwood Eleventh Errant Feathered Forgetful Forgotten Gilded Halfway Hollow "
    "Indigo Inverted Lacquered Last Lopsided Marble Midwinter Migrant Misplaced Moonlit Mossy "
    "Nameless Northbound Obsidian Paper Patient Pewter Porcelain Quiet Reluctant Restless Rusted "
    "Saffron Salted Scarlet Second Secondhand Sleepless Slow Sunken Tangled Threadbare Tidal "
    "Unfinished Unwritten Velvet Wandering Weathered Windward"
)
_NOUNS = _words(
    "Almanac Apiary Archivist Astronomer Atlas Ballad Barometer Beekeeper Bellmaker Bicycle "
    "Boatwright Bookbinder Botanist Bridge Caravan Carousel Cartographer Cellist Chandelier "
    "Chessplayer Clockmaker Compass Conductor Courier Customs-House Diver Echo Embroiderer Estuary "
    "Falconer Ferryman Fiddler Firefly Foundling Gardener Glassblower Harbour Harvest Heirloom "
    "Herald Inkwell Innkeeper Islander Juggler Kite Lacemaker Lamplighter Ledger Letter Librarian "
    "Locksmith Longboat Magpie Mapmaker Metronome Milliner Monsoon Navigator Night-Train Notary "
    "Nightingale Orchard Organist Parade Passenger Pendulum Perfumer Pianist Postmaster Puppeteer "
    "Quarry Regatta Rehearsal Saltmarsh Sculptor Semaphore Signalman Sparrow Stowaway Tailor "
    "Telegram Tollkeeper Translator Understudy Viaduct Violin Watchtower Weathervane Weaver Wren"
)
_PLACES = _words(
    "Aldermoor Ashgrove Belhaven Bracken-Hill Brightwater Calloway Candle-Street Cinder-Bay "
    "Coldharrow Cressida-Point Dunmarrow Eastmere Elderfen Fallow-Creek Farrowgate Fenwick-Lane "
    "Gallowmere Greywater Hartsmoor Hazelwick Hollowfield Inverlock Juniper-Square Kestrel-Rock "
    "Lanternfall Larkspur Linden-Quay Lowmarsh Marrowby Merrowdale Mistral-Bay Netherby Oakhallow "
    "Old-Quarter Osprey-Sound Pellmore Pilgrims-Rest Quillon Ravensworth Rookery-Road Saltash-Row "
    "Sevenoak-Hill Silverhythe Southfold Starling-Court Stonewater Tamarind-Row Thistledown "
    "Threadneedle Tollgate Umberlund Vesper-Hill Wexcombe Whitlow Wintermere Yarrowfield"
)
_WHEN = _words(
    "in-Winter by-Moonlight at-Dawn in-Exile at-Low-Tide by-Candlelight in-Autumn "
    "before-the-Storm after-the-Rain at-the-Crossroads"
)

_PATTERNS = 6
_FIRST_YEAR = 1930


def movie_id(row: int) -> str:
    """Id of the movie at a position of the catalogue."""
    return f"m{row:05d}"


def catalogue(options: SimulatorOptions) -> list[Movie]:
    """Invents the movies.

    Returns:
        The movies ``m00000``, ``m00001``..., (movies,), each with a title of its own, one to three
        genres, the one that draws its viewers first, and a year not after the period's end.
    """
    world = build_world(options)
    rng = generator(options, 1)
    genres = _genres(world, rng)
    # Most of what is streamed is recent.
    ages = rng.exponential(16.0, options.movies).astype(int)
    titles = _titles(rng)
    return [
        Movie(
            item_id=movie_id(row),
            title=next(titles),
            genres=genres[row],
            year=max(options.end.year - int(ages[row]), _FIRST_YEAR),
        )
        for row in range(options.movies)
    ]


def _genres(world: World, rng: np.random.Generator) -> list[tuple[str, ...]]:
    two = rng.random(world.movies) < 0.7
    three = rng.random(world.movies) < 0.15
    extra = rng.integers(len(GENRES), size=world.movies)
    listed = []
    for row in range(world.movies):
        shown = [int(world.first[row]) // STYLES]
        if two[row]:
            shown.append(int(world.second[row]) // STYLES)
        if three[row]:
            shown.append(int(extra[row]))
        listed.append(tuple(GENRES[genre] for genre in dict.fromkeys(shown)))
    return listed


def _titles(rng: np.random.Generator) -> Iterator[str]:
    """Endless different titles; some 300,000 exist, ten times what is ever asked for."""
    given: set[str] = set()
    while True:
        for draw in rng.integers(1 << 30, size=(1024, 5)).tolist():
            title = _title(*draw)
            if title not in given:
                given.add(title)
                yield title


def _title(pattern: int, a: int, b: int, c: int, d: int) -> str:
    adjective = _pick(_ADJECTIVES, a)
    noun = _pick(_NOUNS, b)
    place = _pick(_PLACES, c)
    match pattern % _PATTERNS:
        case 0:
            return f"The {adjective} {noun}"
        case 1:
            return f"The {noun} of {place}"
        case 2:
            # Drawn from the nouns after the first one, so that the two differ.
            other = _pick(_NOUNS, b + 1 + c % (len(_NOUNS) - 1))
            return f"The {noun} and the {other}"
        case 3:
            return f"The {adjective} {noun} of {place}"
        case 4:
            return f"{place} {_pick(_WHEN, d)}"
        case _:
            return f"The {noun}'s {adjective} {_pick(_NOUNS, b + 1 + d % (len(_NOUNS) - 1))}"


def _pick(words: tuple[str, ...], draw: int) -> str:
    return words[draw % len(words)]
