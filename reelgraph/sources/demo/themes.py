"""Themes of the demo: what a story is about, in phrases that fit into any sentence.

Every phrase of a theme holds the theme's key, a singular noun that takes "a", so
that the text expresses just the themes that tastes are over.
"""

from __future__ import annotations

from typing import NamedTuple


class Theme(NamedTuple):
    """A theme and its phrases."""

    key: str
    title: str
    """A second word for titles."""
    genres: str
    """Genres in which it is common, by the first four letters of their names."""
    thing: str
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
