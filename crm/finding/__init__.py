"""Finding a recording 录音检索: by what was said, by its order, by who talked, how long and when."""
