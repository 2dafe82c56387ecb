"""Hand-picked correspondences: vertex loops of the hm08 base mesh and the landmarks along them.

Numbers of loops are hm08 vertices (the asset's `source_vertex`). Eye loops are the subject's left;
the right eye is their mirror image. Each loop is closed and starts at its outermost vertex.
"""

from __future__ import annotations

# The lash line, where the upper lid ends in front.
LASH_LOOP = (
    6805, 6808, 6811, 11693, 6814, 6817, 6820, 6825, 6828, 6831, 6834, 11695, 6837, 6856, 6853,
    6850, 6847, 6886, 6844, 6841, 6838, 6785, 6784, 6790, 6793, 6796, 6799, 6802,
)  # fmt: skip
# One loop further in: the edge of the lower lid that is seen against the eyeball.
LID_EDGE_LOOP = (
    13377, 13376, 13375, 13379, 13366, 13374, 13373, 13372, 13370, 13368, 13367, 13378, 13362,
    13361, 13360, 13365, 13363, 13364, 13369, 13371, 13359, 13352, 13353, 13358, 13357, 13356,
    13355, 13354,
)  # fmt: skip
# Where the closed lips touch.
LIP_CONTACT_LOOP = (
    7195, 10376, 7205, 7206, 7266, 7265, 7264, 523, 517, 518, 519, 446, 445, 3708, 435, 434, 3731,
    436, 420, 421, 516, 5360, 515, 514, 522, 521, 520, 7267, 7268, 7261, 7262, 11962, 7263, 7181,
    7180, 7196, 10399, 7194,
)  # fmt: skip
# Two loops further out, on the red of the lips.
LIP_FRONT_LOOP = (
    7189, 7188, 10401, 7190, 7176, 7177, 7209, 11955, 7213, 7218, 7221, 7224, 468, 465, 462, 459,
    453, 5353, 449, 417, 416, 430, 3733, 428, 429, 3706, 443, 438, 476, 482, 488, 494, 7243, 7237,
    7231, 7198, 7203, 10374,
)  # fmt: skip
# The border of the red of the lips.
LIP_BORDER_LOOP = (
    7162, 7163, 10370, 7164, 7165, 7166, 7235, 7241, 492, 486, 480, 406, 405, 404, 3702, 403, 402,
    3737, 407, 408, 411, 410, 5354, 409, 456, 450, 454, 455, 7214, 7210, 7215, 7169, 11956, 7170,
    7171, 7168, 7167, 10405,
)  # fmt: skip

# Landmarks from the outer to the inner corner (eyes), from the right to the left corner (lips).
LEFT_UPPER_LID = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LEFT_LOWER_LID = (249, 390, 373, 374, 380, 381, 382)
RIGHT_UPPER_LID = (33, 246, 161, 160, 159, 158, 157, 173, 133)
RIGHT_LOWER_LID = (7, 163, 144, 145, 153, 154, 155)
UPPER_LIP_CONTACT = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP_CONTACT = (95, 88, 178, 87, 14, 317, 402, 318, 324)
UPPER_LIP_BORDER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LOWER_LIP_BORDER = (146, 91, 181, 84, 17, 314, 405, 321, 375)
RIGHT_IRIS = (468, 469, 470, 471, 472)  # centre, then towards +x, up, -x, down in the picture
LEFT_IRIS = (473, 474, 475, 476, 477)

LIDS = LEFT_UPPER_LID + LEFT_LOWER_LID + RIGHT_UPPER_LID + RIGHT_LOWER_LID
LIP_CONTACT = UPPER_LIP_CONTACT + LOWER_LIP_CONTACT
LIP_BORDER = UPPER_LIP_BORDER + LOWER_LIP_BORDER
FINE = LIDS + LIP_CONTACT + LIP_BORDER + RIGHT_IRIS + LEFT_IRIS
NOSE_TIP, CHIN = 4, 152
