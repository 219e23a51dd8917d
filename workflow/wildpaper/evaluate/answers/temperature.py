"""How warm answers are sampled: a temperature for each category of questions.

Source: FastChat, ``fastchat/llm_judge/common.py``, which MT-bench was made with.
"""

TEMPERATURES = {
    **{"writing": 0.7, "roleplay": 0.7},
    **{"extraction": 0.0, "math": 0.0, "coding": 0.0, "reasoning": 0.0},
    **{"stem": 0.1, "humanities": 0.1},
}
"""By category; at 0 the likeliest token is taken each time."""
