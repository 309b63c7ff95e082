"""English words whose forms share no beginning: who asks what somebody bought means what they buy, too."""

_GROUPS = """
    begin began begun; break broke broken; bring brought; build built; buy bought; catch caught; choose chose;
    come came; do did done; draw drew; drink drank drunk; drive drove; eat ate; fall fell; feel felt; fight fought;
    find found; fly flew flown; forget forgot; get got; give gave; go went gone; grow grew; hear heard; hold held;
    keep kept; know knew; lead led; leave left; lend lent; lose lost; make made; mean meant; meet met; pay paid;
    ride rode; run ran; say said; see saw seen; sell sold; send sent; sing sang sung; sit sat; sleep slept;
    speak spoke; spend spent; stand stood; swim swam swum; take took; teach taught; tell told; think thought;
    throw threw; understand understood; wake woke; wear wore worn; win won; write wrote;
    child children; person people; man men; woman women; wife wives; foot feet; tooth teeth; mouse mice; life lives
"""
FORMS = {form: tuple(group.split()) for group in _GROUPS.split(";") for form in group.split()}
"""Of each of these words all its forms."""
