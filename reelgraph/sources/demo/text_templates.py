"""Phrases for the demo's texts, by theme and by genre.

Every phrase of a theme contains the theme's key, a singular noun that takes "a". A movie's text
thus expresses the themes that its latent factors depend on.
"""

from __future__ import annotations

from typing import NamedTuple


class Theme(NamedTuple):
    """A theme of movies and its phrases."""

    key: str
    title: str
    """Another word for titles."""
    genres: str
    """Genres in which the theme is common: the first four letters of their names."""
    subject: str
    """A noun phrase."""
    goal: str
    """A verb phrase in the infinitive."""
    event: str
    """A clause in the present."""


def _theme(line: str) -> Theme:
    return Theme(*(part.strip() for part in line.split("|")))


THEMES = tuple(_theme(line) for line in """
heist | Vault | Crim Acti Come Thri | the heist of the century |
    pull off one last heist | a casino heist goes badly wrong
murder | Corpse | Crim Myst Thri Dram | an unsolved murder |
    solve a murder that everyone wants forgotten | a murder shakes the whole town
kidnapping | Ransom | Thri Acti Crim | a kidnapping without a ransom note |
    foil a kidnapping | a kidnapping splits the family apart
treasure | Gold | Adve Anim Fami Fant | a sunken treasure |
    find a legendary treasure | an old map to a treasure turns up
spaceship | Orbit | Scie Acti Adve | a damaged spaceship |
    steer a crippled spaceship home | a silent spaceship appears above the city
robot | Machine | Scie Anim Fami | a robot that learns to dream |
    teach a robot what kindness is | a robot refuses to obey its makers
telepath | Mind | Scie Thri Fant | a telepath on the run |
    shelter a young telepath | a telepath hears a terrible thought
ghost | Shadow | Horr Myst Come Fant | the ghost of a drowned girl |
    lay a restless ghost to rest | a ghost begins to whisper at night
vampire | Blood | Horr Roma Fant | a centuries-old vampire |
    hunt down a vampire | a vampire moves in across the street
zombie | Plague | Horr Come Acti | a zombie outbreak |
    survive a zombie siege | the first zombie walks out of the morgue
witch | Coven | Horr Fant Fami | a witch in the woods |
    break the power of a witch | a witch casts a shadow over the harvest
curse | Omen | Horr Fant Adve | a curse on the family name |
    lift an ancient curse | a curse falls on the house
battle | Trench | War Hist Acti | the bloodiest battle of the war |
    win a hopeless battle | a battle destroys the village
wedding | Bride | Come Roma Dram Fami | a wedding that nobody wanted |
    stop a wedding | a lavish wedding turns into chaos
divorce | Custody | Dram Come TVMo | a bitter divorce |
    survive a messy divorce | a divorce forces the children to choose
secret romance | Lover | Roma Dram Thri | a secret romance |
    hide a secret romance | a secret romance comes to light
friendship | Bond | Dram Fami Anim Come | an unlikely friendship |
    save an old friendship | a friendship is put to the test
road trip | Highway | Come Dram Adve Musi | a road trip across the country |
    finish a road trip in a stolen car | a road trip ends in the middle of nowhere
classroom | School | Come Dram Fami | a classroom full of rebels |
    win over an unruly classroom | a classroom rebellion makes the news
prison | Cell | Crim Dram Acti | a brutal prison |
    escape from a brutal prison | a prison riot breaks out
trial | Verdict | Dram Crim Myst Hist | the trial of the decade |
    win an impossible trial | a murder trial divides the nation
campaign | Ballot | Dram Docu Come Hist | a dirty election campaign |
    win an election campaign | a campaign scandal reaches the president
spy | Cipher | Thri Acti War Come | a spy with two passports |
    unmask a spy | a spy defects with the codes
conspiracy | Cover-Up | Thri Docu Myst | a conspiracy at the highest level |
    expose a conspiracy | a vast conspiracy begins to unravel
sniper | Bullet | Acti Thri War | a sniper for hire |
    outwit a sniper | a sniper fires at the motorcade
vendetta | Revenge | Acti West Crim | a blood vendetta |
    end a family vendetta | a vendetta claims its first victim
boxer | Ring | Dram Acti Docu | a boxer past his prime |
    train a young boxer | a boxer gets one last shot at the title
championship | Team | Fami Come Docu Dram | the championship final |
    lead a hopeless team to the championship | the championship is decided in overtime
rock band | Guitar | Musi Docu Come | a rock band on tour |
    bring a rock band back together | a rock band breaks up on stage
lullaby | Song | Musi Roma Anim | a forgotten lullaby |
    remember a mother's lullaby | a lullaby becomes a hit overnight
dancer | Ballet | Musi Roma Dram | a dancer from the slums |
    become a ballet dancer | a dancer collapses on opening night
circus | Carnival | Anim Fami Fant Dram | a travelling circus |
    join a travelling circus | a circus comes to town
painting | Canvas | Myst Crim Hist | a stolen painting |
    forge a priceless painting | a lost painting surfaces at an auction
novel | Chapter | Dram Roma Come | a novel that nobody reads |
    finish a great novel | a scandalous novel becomes a bestseller
dog | Paw | Fami Anim Come | a stray dog |
    rescue a stray dog | a clever dog finds the way home
horse | Stable | West Fami Adve | a wild horse |
    tame a wild horse | a wounded horse wins the derby
dragon | Fire | Fant Anim Adve | the last dragon |
    slay a dragon | a dragon wakes beneath the mountain
kingdom | Throne | Fant Hist Anim Adve | a divided kingdom |
    save a dying kingdom | the kingdom falls to a usurper
prophecy | Oracle | Fant Adve Scie | an ancient prophecy |
    fulfil an ancient prophecy | a prophecy comes true
spell | Wand | Fant Fami Roma | a forbidden spell |
    undo a clumsy spell | a spell turns the town upside down
superhero | Mask | Acti Scie Anim | a reluctant superhero |
    become a superhero | a superhero loses all powers
storm | Thunder | Adve Dram Acti | the storm of the century |
    outrun a deadly storm | a storm cuts off the coast
volcano | Ash | Acti Adve Docu | a sleeping volcano |
    warn the valley of a volcano | the volcano erupts without warning
virus | Fever | Thri Scie Docu Horr | a deadly virus |
    find a cure for a virus | a virus escapes from the laboratory
desert island | Castaway | Adve Roma Come | a desert island |
    get off a desert island | a shipwreck leaves only a desert island
mountain | Summit | Adve Docu Dram | a merciless mountain |
    climb a merciless mountain | an avalanche buries the mountain camp
submarine | Deep | War Thri Acti | a nuclear submarine |
    raise a lost submarine | a submarine stops answering
night train | Tracks | Myst Roma Thri Fore | the night train to the border |
    stop a runaway night train | a passenger vanishes from the night train
plane crash | Wreck | Dram Thri Acti | a mysterious plane crash |
    survive a plane crash | a plane crash leaves nine strangers alone
will | Fortune | Come Myst Dram | the will of a mad millionaire |
    contest a millionaire's will | the reading of a will ends in uproar
memory | Echo | Scie Dram Thri Myst | a stolen memory |
    recover a lost memory | a buried memory returns
foundling | Cradle | Fami Dram Hist Anim | a foundling on the doorstep |
    protect a foundling | a foundling learns who the father is
twin | Mirror | Come Thri Fami | a long-lost twin |
    find a long-lost twin | a twin takes the other's place
monastery | Monk | Hist Fore Myst Dram | a silent monastery |
    enter a monastery | a monastery burns to the ground
serial killer | Knife | Thri Horr Crim | a serial killer on the loose |
    catch a serial killer | a serial killer strikes again
hacker | Code | Thri Scie Crim | a teenage hacker |
    track down a hacker | a hacker shuts down the power grid
time machine | Paradox | Scie Come Adve | a home-made time machine |
    repair a time machine | a time machine opens a door to the past
samurai | Sword | Acti Hist Adve | a masterless samurai |
    follow the path of the samurai | a samurai breaks a sacred oath
duel | Pistol | West Hist Adve | a duel at dawn |
    survive a duel | a duel leaves two brothers dead
railroad | Iron | West Hist Docu | the transcontinental railroad |
    build a railroad | the railroad takes the settlers' land
farm | Harvest | Dram Docu Fami West | a failing farm |
    save the family farm | a drought threatens the farm
strike | Union | Docu Dram Hist | a factory strike |
    lead a factory strike | a strike paralyses the mines
restaurant | Kitchen | Come Roma Docu | a tiny restaurant |
    open a restaurant | a famous critic walks into the restaurant
holiday | Snow | Fami Roma Come TVMo | a snowed-in holiday |
    save the family holiday | a holiday goes hilariously wrong
""".strip().replace("\n    ", " ").splitlines())  # fmt: skip


class Genre(NamedTuple):
    """A genre of movies and its phrases."""

    name: str
    fraction: float
    """Fraction of movies, as in MovieLens latest-small."""
    film_type: str
    """Noun for such a film, without an article."""
    adjectives: tuple[str, ...]
    """They begin with a consonant, so that "a" fits."""
    occupations: tuple[str, ...]
    """Occupations of the main character, with an article."""
    closings: tuple[str, ...]
    """Last sentences of an overview."""
    taglines: tuple[str, ...]
    """Taglines with the slots {key} (of the first theme), {place} and {name}."""


GENRES = (
    Genre("Comedy", .254, "comedy", ("hilarious", "cheerful", "silly"),
          ("an unlucky waiter", "a clumsy clerk", "a bored dentist", "a failed comedian",
           "a nervous bachelor"),
          ("What could possibly go wrong?", "Nobody will ever laugh at {him} again, or so {he} hopes.",
           "The jokes come fast, and so do the in-laws."),
          ("The funniest {key} in {place}.", "Laugh now. Panic later.", "It takes a fool to spoil a {key}.")),
    Genre("Drama", .237, "drama", ("moving", "quiet", "tender"),
          ("a grieving teacher", "a retired nurse", "a struggling single parent", "a proud labourer",
           "a lonely pianist"),
          ("In the end {he} has to learn what forgiveness costs.", "Slowly, a broken family begins to heal.",
           "What is left is the courage to tell the truth."),
          ("Every {key} leaves a mark.", "Some truths take a lifetime.", "Love is what remains.")),
    Genre("Action", .150, "action film", ("relentless", "blazing", "brutal"),
          ("a former marine", "a reckless bodyguard", "a suspended cop", "a veteran stuntman",
           "a deadly commando"),
          ("{He} has twelve hours, one gun and nothing to lose.",
           "The chase ends in an inferno on the docks.",
           "This time {he} is not taking prisoners."),
          ("One {key}. No mercy.", "Run. Fight. Survive.", "They picked the wrong night in {place}.")),
    Genre("Adventure", .062, "adventure", ("sweeping", "daring", "thrilling"),
          ("a young sailor", "a fearless explorer", "a runaway apprentice", "a daring pilot", "a map maker"),
          ("The journey leads farther than any traveller has gone before.",
           "Beyond the last river the true adventure begins.", "Only the brave will see home again."),
          ("Beyond the map lies a {key}.", "The journey begins in {place}.", "Dare to go farther.")),
    Genre("Horror", .053, "horror film", ("chilling", "gruesome", "nightmarish"),
          ("a sleepless babysitter", "a curious student", "a haunted widow", "a night watchman",
           "a young priest"),
          ("One by one, the guests begin to die screaming.", "Something in the cellar has been waiting.",
           "By midnight the walls are bleeding."),
          ("The {key} is hungry.", "Don't look behind you.", "Nobody in {place} can hear you scream.")),
    Genre("Crime", .043, "crime film", ("gritty", "hard-boiled", "tense"),
          ("a small-time crook", "a bent detective", "a mob accountant", "a getaway driver",
           "a paroled thief"),
          ("In the underworld every favour has a price.", "Soon the police and the mob are both closing in.",
           "{He} learns that there is no honour among thieves."),
          ("Crime pays. Once.", "Trust no one with a {key}.", "{place} belongs to the mob.")),
    Genre("Documentary", .039, "documentary", ("revealing", "patient", "frank"),
          ("a local journalist", "a veteran photographer", "a campaigning lawyer", "a village doctor",
           "a young historian"),
          ("Interviews and archive footage tell the rest.", "Witnesses speak on camera for the first time.",
           "The film lets the facts speak for themselves."),
          ("The true story of a {key}.", "See what really happened in {place}.", "The facts, at last.")),
    Genre("Animation", .035, "animated film", ("colourful", "magical", "charming"),
          ("a brave little mouse", "a talking teapot", "a shy penguin", "a clever fox", "a tiny inventor"),
          ("With a song and a few furry friends, anything is possible.",
           "Even the smallest creature can be a hero.", "Together the toys and animals save the day."),
          ("A little hero. A very big {key}.", "Small paws, big dreams.", "Meet {name}!")),
    Genre("Thriller", .028, "thriller", ("gripping", "nerve-racking", "dark"),
          ("a frightened witness", "a paranoid analyst", "a missing banker's partner", "a night nurse",
           "a blackmailed judge"),
          ("The closer {he} gets, the less {he} can trust anyone.", "Somebody is watching every step.",
           "The clock is ticking, and the killer knows {his} name."),
          ("Someone knows about the {key}.", "Trust nobody.", "They are already watching.")),
    Genre("Fantasy", .024, "fantasy", ("spellbinding", "dreamlike", "mythical"),
          ("a humble shepherd", "an exiled princess", "a young enchanter", "a cursed knight", "a lost dwarf"),
          ("Magic is waking, and the old gods are listening.", "The fate of the realm hangs by a thread.",
           "An enchanted sword will decide who rules."),
          ("Magic has a price.", "The legend of the {key} awakes.", "Believe, {name}.")),
    Genre("Science Fiction", .0165, "science fiction film", ("visionary", "futuristic", "mind-bending"),
          ("an android mechanic", "a stranded astronaut", "a lunar miner", "a brilliant physicist",
           "a starship cadet"),
          ("Far from Earth, the machines are learning to feel.", "The future of the galaxy is at stake.",
           "Reality itself begins to come apart."),
          ("The future has a {key}.", "Tomorrow is already here.", "Beyond the stars, no one forgets.")),
    Genre("Romance", .015, "romance", ("tender", "passionate", "bittersweet"),
          ("a shy florist", "a heartbroken writer", "a charming widower", "a young seamstress",
           "a jilted bride"),
          ("One kiss changes everything.", "Two hearts must choose before the summer ends.",
           "Love arrives when it is least expected."),
          ("Love begins with a {key}.", "One summer in {place}.", "Follow your heart.")),
    Genre("Mystery", .010, "mystery", ("puzzling", "clever", "twisted"),
          ("a private eye", "a retired inspector", "a crime novelist", "a curious librarian",
           "a blind witness"),
          ("Every guest is a suspect, and every clue is a lie.", "The answer lies in a locked room.",
           "The final clue points to the last person anyone would suspect."),
          ("Who is behind the {key}?", "Everyone is a suspect.", "The clue is in {place}.")),
    Genre("Family", .010, "family film", ("warm", "playful", "gentle"),
          ("a lonely ten-year-old", "a busy father of four", "a mischievous schoolgirl", "a kind grandfather",
           "a foster child"),
          ("It will be a summer that no child forgets.", "With a little help from grandma, all ends well.",
           "Home is where the mischief is."),
          ("Every family has its {key}.", "Fun for all ages!", "Home will never be the same.")),
    Genre("Music", .007, "musical", ("lively", "soulful", "toe-tapping"),
          ("a street singer", "a washed-up drummer", "a chorus girl", "a gifted cellist", "a jazz trumpeter"),
          ("When the lights go up, only the music counts.", "The last concert brings down the house.",
           "It all comes down to one melody."),
          ("Feel the beat.", "One {key}. One song.", "{place} is singing.")),
    Genre("War", .005, "war film", ("harrowing", "grim", "stirring"),
          ("a young soldier", "a field surgeon", "a resistance fighter", "a weary sergeant",
           "a captured airman"),
          ("Behind enemy lines, few will live to see the armistice.",
           "The platoon holds the bridge until dawn.",
           "War spares nobody."),
          ("In war, every {key} counts.", "They never left {place}.", "Hold the line.")),
    Genre("Western", .0035, "western", ("dusty", "rugged", "laconic"),
          ("a drifting gunslinger", "a stubborn rancher", "a bounty hunter", "a saloon keeper",
           "a frontier doctor"),
          ("At high noon the street is empty.", "The frontier has no law but the gun.",
           "{He} rides into the sunset alone."),
          ("Saddle up for a {key}.", "The West was never this wild.", "Draw.")),
    Genre("History", .003, "period film", ("stately", "lavish", "grand"),
          ("a court painter", "a rebellious duchess", "a young senator", "a disgraced general",
           "a royal adviser"),
          ("An empire trembles, and a century turns.", "The crown will never sit easily again.",
           "History remembers the victors."),
          ("A {key} made history.", "Before the crown, there was {name}.", "An empire will fall.")),
    Genre("TV Movie", .0015, "television film", ("modest", "heartfelt", "lurid"),
          ("a suburban mother", "a small-town mayor", "a talk show host", "a divorced realtor",
           "a school bus driver"),
          ("The neighbours will talk about it for years.", "Tonight the whole town is watching.",
           "Based on a case that shook the suburbs."),
          ("Tonight: a {key} next door.", "It could happen to you.", "Stay tuned, {place}.")),
    Genre("Foreign", .001, "festival favourite", ("contemplative", "strange", "poetic"),
          ("a melancholy ferryman", "a village schoolteacher", "a mute shoemaker", "a travelling barber",
           "a dreamy projectionist"),
          ("Long silences say what words cannot.", "The camera lingers where others look away.",
           "Nothing happens, and everything changes."),
          ("A {key}, and a silence.", "Look closer.", "A postcard from {place}.")),
)  # fmt: skip
