"""The words the patterns know, as alternations, and what rules a reading out."""

import re

from memory.extraction.words import words


def _any(text: str) -> str:
    return "|".join(word.replace("_", "[ -]") for word in sorted(text.split(), key=len, reverse=True))


MONTHS = _any("january february march april may june july august september october november december")
PERIODS = _any(
    "day morning evening night week weekend month year monday tuesday wednesday thursday friday saturday sunday"
)

PARTNERS = _any(
    "wife husband partner girlfriend boyfriend fiancé fiance fiancée fiancee spouse mother father mum mom dad boss manager"
)
KIN = (
    PARTNERS
    + "|"
    + _any(
        """daughter son child kid baby brother sister sibling twin uncle aunt cousin nephew niece grandmother grandfather
    grandma grandpa grandson granddaughter stepson stepdaughter roommate flatmate friend mother-in-law father-in-law"""
    )
)
PETS = _any(
    "dog cat puppy kitten pet rabbit hamster parrot bird fish horse pony turtle tortoise snake lizard chicken budgie"
)
BREEDS = _any(
    "labrador poodle beagle retriever terrier shepherd bulldog dachshund corgi collie tabby siamese husky pug spaniel"
)
POSSESSIONS = (
    _any(
        "house apartment flat car boat motorcycle motorbike bike bicycle cabin cottage farm van truck horse piano guitar"
    )
    + f"|{PETS}"
)
BUSINESSES = _any(
    """business company bakery shop store restaurant café cafe startup start-up agency studio farm blog podcast channel
    hotel bar gym school club bookshop salon practice charity newsletter band"""
)
ATTRIBUTES = _any(
    """native_language mother_tongue first_language blood_type nationality job_title job occupation profession hometown
    home_town religion star_sign zodiac_sign shoe_size height middle_name nickname github_username employer"""
)
CONDITIONS = _any(
    """asthma diabetes type_1_diabetes type_2_diabetes celiac coeliac adhd autism epilepsy hypertension
    high_blood_pressure arthritis migraines anxiety depression insomnia dyslexia pcos ibs crohn's eczema psoriasis hay_fever
    tinnitus scoliosis endometriosis high_cholesterol a_heart_condition a_pacemaker chronic_pain chronic_migraines"""
)
DIETS = _any("vegetarian vegan pescatarian pescetarian kosher halal keto ketogenic")
TRAITS = _any(
    """diabetic celiac coeliac asthmatic dyslexic colorblind colourblind color-blind colour-blind color_blind colour_blind
    deaf blind hard_of_hearing left-handed right-handed left_handed lactose_intolerant lactose-intolerant gluten_intolerant
    gluten-intolerant autistic pregnant teetotal an_introvert an_extrovert introverted extroverted a_morning_person a_night_owl
    an_early_bird a_cat_person a_dog_person atheist an_atheist"""
)
DEMONYMS = (
    r"(?:[A-Z][a-z]+(?:ese|ish)|German|French|Dutch|Italian|American|Canadian|Mexican|Brazilian|Australian|Austrian|Belgian|Russian"
    r"|Ukrainian|Greek|Indian|Norwegian|Swiss|Hungarian|Romanian|Bulgarian|Croatian|Serbian|Egyptian|Moroccan|Nigerian|Kenyan"
    r"|South African|Argentinian|Chilean|Colombian|Peruvian|Korean|South Korean|Indonesian|Malaysian|Thai|Filipino|Pakistani"
    r"|Israeli|Czech|Estonian|Latvian|Lithuanian|Jewish|Muslim|Christian|Catholic|Hindu|Buddhist)"
)
LANGUAGES = (
    r"(?:[A-Z][a-z]+ese|[A-Z][a-z]+ish|German|French|Dutch|Italian|Russian|Ukrainian|Greek|Hindi|Arabic|Hebrew|Korean|Mandarin"
    r"|Cantonese|Thai|Norwegian|Hungarian|Romanian|Bulgarian|Croatian|Serbian|Czech|Urdu|Bengali|Tamil|Catalan|Welsh|Latin|Persian"
    r"|Farsi|Indonesian|Malay|Tagalog|Swahili|Esperanto)"
)
HABITS = _any(
    """eat drink cook wear take read watch listen_to buy travel drive cycle bike walk run swim jog go work_out exercise wake_up get_up
    sleep go_to_bed meditate train commute practice practise play call visit garden hike ski climb"""
)
ASSISTING = _any(
    """answer reply respond write use speak talk call address give include keep format start end begin explain show ask share tell
    mention suggest recommend add put say assume cite quote be send sign greet remind offer propose spell refer translate"""
)
STYLE = _any(
    "emoji emojis exclamation_marks exclamation_points jargon slang bullet_points disclaimers small_talk abbreviations sir madam filler"
)

OCCUPATIONS = _any(
    """accountant actor actress analyst animator anthropologist archaeologist architect artist assistant astronomer athlete attorney
    auditor author baker banker barber barista bartender biologist bookkeeper bricklayer broker builder bus_driver butcher
    caregiver carer carpenter cashier ceo chef chemist civil_servant cleaner coach columnist comedian composer
    consultant contractor cook copywriter counselor counsellor cto cfo curator dancer data_scientist dentist designer detective developer
    dietitian director doctor driver ecologist economist editor electrician engineer entrepreneur farmer filmmaker
    firefighter florist freelancer gardener geologist graduate_student hairdresser historian housewife illustrator instructor
    interpreter investor janitor jeweller journalist judge lawyer lecturer librarian lifeguard linguist machinist makeup_artist manager
    marketer masseuse mathematician mechanic midwife miner model musician nanny novelist nurse nutritionist officer optician
    optometrist painter paralegal paramedic pastor pediatrician paediatrician pharmacist philosopher photographer physician
    physicist physiotherapist pilot plumber poet police_officer politician postdoc priest principal producer product_manager professor
    programmer psychiatrist psychologist psychotherapist publisher radiologist realtor receptionist recruiter reporter researcher
    retiree sailor salesperson scientist sculptor secretary singer social_worker software_engineer soldier solicitor songwriter
    statistician stay-at-home_mom stay-at-home_dad student surgeon surveyor tailor teacher technician therapist translator trader
    trainer truck_driver tutor undergraduate undertaker vet veterinarian veteran waiter waitress welder writer zoologist"""
)
_OCCUPATION = re.compile(
    rf"(?:[\w&/+.#-]+ ){{0,3}}?(?:{OCCUPATIONS})s?(?:$|,|\.| (?:at|in|for|by|from|with|and|who|specializing|working|based|turned|of)\b)",
    re.IGNORECASE,
)
_FIGURATIVE = re.compile(
    r"(?:bit|little|terrible|bad|good|great|horrible|lousy|decent|better|fast|slow|quick|heavy|light|careful|big|total|complete|real|sort|kind) ",
    re.IGNORECASE,
)


def is_occupation(text: str) -> bool:
    """Whether what follows "I am a" names work: "software engineer at Acme", not "bad cook" nor "customer"."""
    return _OCCUPATION.match(text) is not None and _FIGURATIVE.match(text) is None


VAGUE = re.compile(
    r"(?:it|this|that|these|those|him|her|them|you|your|yours|both|one|ones|neither|either|what|how|when|where|which|who|why|if"
    r"|everything|something|anything|nothing|all of|most of|some of|the (?:\w+ )?(?:one|ones|idea|way|sound|look|looks|feel|first|second|third|last"
    r"|latter|former|other|answer|result|results|suggestion|suggestions|option|options|version|code|design|plan|new|previous|same|above"
    r"|following|second one|current|output|tone|style|fact|thought|part|rest|response|approach|changes|layout|color scheme)\b"
    r"|to (?:ask|know|see|hear|understand|get|thank|point|say|add|clarify|confirm|change|update|make sure|be able|try|have|find|fix|use|say"
    r"|build|create|write|buy|order|book|schedule|return|cancel|check|start|discuss|apply|learn more|report|request|think|believe|keep|do|go with)\b"
    r"|a (?:refund|copy|list|table|summary|reply|response|second opinion)|more|another|some help|help|fun of)(?:\b|$)",
    re.IGNORECASE,
)
"""Objects that mean nothing outside of the conversation, or are a wish of the moment."""

_TECHNOLOGY = (
    r"linux|windows|macos|mac|ubuntu|python|rust|java|javascript|typescript|go|golang|vim|neovim|emacs|vs ?code|react|vue|svelte|angular"
    r"|django|flask|fastapi|postgres(?:ql)?|mysql|mongodb|redis|sqlite|docker|kubernetes|aws|azure|gcp|git|github|gitlab|android|ios|iphone"
    r"|chrome|firefox|slack|notion|gmail|version|v?\d"
)
NO_PLACE = re.compile(
    rf"(?:{_TECHNOLOGY}|(?:an?|the|my|your|our|his|her|their|this|that|another|some|different|one|two) (?!US\b|USA\b|UK\b|UAE\b|EU\b|"
    r"Netherlands|Philippines|Bahamas|Maldives|Hague|Bronx|Bay Area|Midwest|small |tiny |little |city of|town of|village|suburbs|countryside|north|south"
    r"|east|west|outskirts|centre of|center of|middle of)"
    r"|new (?!york|orleans|zealand|delhi|jersey|mexico|hampshire|south wales|caledonia|haven|hope)"
    r"|fear|hope|denial|peace|harmony|pain|there|here|sync|luxury|poverty|[a-z]+ing\b|do|be|see|get|make|work|study|take|live)\b",
    re.IGNORECASE,
)
NO_EMPLOYER = re.compile(
    r"(?:home|night|the moment|least|first|now|a while|me|you|it|this|that|him|her|them|\d|hours|days|weeks|months|years|some|what)\b",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"(?:it|this|that|these|those|he|she|they|we|you|which|what|who|there|here|one|everything)\b", re.IGNORECASE
)
IMPERATIVE = re.compile(
    rf"(?:please )?(?:always |never |do not |don't )?(?:{ASSISTING}|stop|avoid|skip|leave|make|remember|check|provide|limit)\b",
    re.IGNORECASE,
)

UNSURE = re.compile(
    r"\b(?:if|imagine|imagining|suppose|supposing|pretend|hypothetically|would|wouldn't|wish|might|may(?! \d)|maybe|perhaps"
    r"|probably|possibly|could|couldn't|hopefully|unless|whether|guess|assuming|as though|dreamt|dreamed|kidding|joking|not sure|apparently"
    r"|supposedly|lol|jk)\b|I'd\b",
    re.IGNORECASE,
)
PASSING = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|right now|at the moment|this (?:morning|afternoon|evening|week|weekend|time|minute|instant)|for now|just now"
    r"|at present|for the moment|until|temporarily|so far|in this (?:case|example|story|game|book|film|movie|project|code|file)|here)\b",
    re.IGNORECASE,
)
NOT_A_NAME = words(
    """Back Here Done Fine Good Great Ok Okay Sorry Sure Ready Happy Sad Tired Confused Curious Bored Lost Stuck New Not Just Also
    Trying Looking Having Getting Going Interested Writing Working Using Wondering Happily Very So Really Thinking Planning"""
)
