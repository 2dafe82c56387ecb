"""What the live fit may be told: every weight of its energy, as data with a reason.

A table of (name start, value) pairs gives a value per expression coefficient: the longest matching
start of the coefficient's name wins. Standard deviations are those of a Gaussian prior; a smaller
one holds the coefficient more firmly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.errors import ConfigError
from engine.fit.retarget import RetargetSettings
from engine.types import Array

PerShape = tuple[tuple[str, float], ...]

EXPRESSION_SIGMA: PerShape = (
    ("", 0.8),
    ("jawOpen", 1.0),
    ("eyeLook", 0.3),
    ("mouthClose", 0.25),
    ("jawForward", 0.3),
    ("tongueOut", 0.35),
    ("browInnerUp", 1.0),  # a half has half the information of the whole
    ("cheekPuff", 0.8),
    ("mouthDimple", 0.5),
    ("mouthShrug", 0.6),
)
# A random walk: what a coefficient usually does in 1/30 s. Lids and jaw are the quick ones.
EXPRESSION_STEP_SIGMA: PerShape = (
    ("", 0.03),
    ("eyeBlink", 0.12),
    ("eyeWide", 0.05),
    ("jawOpen", 0.06),
    ("eyeLook", 0.05),
    ("mouthClose", 0.05),
    # Few points show these, so that the default would hold them down for good.
    ("tongueOut", 0.1),
    ("cheekPuff", 0.06),
    ("brow", 0.04),
)
# Pairs of which one at a time explains the picture; without this the fit lets them cancel.
EXCLUSIVE: tuple[tuple[str, str, float], ...] = (
    ("mouthSmileLeft", "mouthFrownLeft", 0.4),
    ("mouthSmileRight", "mouthFrownRight", 0.4),
    ("jawLeft", "jawRight", 0.45),
    ("mouthLeft", "mouthRight", 0.45),
    ("eyeBlinkLeft", "eyeWideLeft", 0.45),
    ("eyeBlinkRight", "eyeWideRight", 0.45),
    ("eyeSquintLeft", "eyeWideLeft", 0.4),
    ("eyeSquintRight", "eyeWideRight", 0.4),
    ("eyeLookUpLeft", "eyeLookDownLeft", 0.45),
    ("eyeLookUpRight", "eyeLookDownRight", 0.45),
    ("eyeLookInLeft", "eyeLookOutLeft", 0.45),
    ("eyeLookInRight", "eyeLookOutRight", 0.45),
    ("browDownLeft", "browOuterUpLeft", 0.35),
    ("browDownRight", "browOuterUpRight", 0.35),
    ("mouthStretchLeft", "mouthPucker", 0.25),
    ("mouthStretchRight", "mouthPucker", 0.25),
    ("mouthDimpleLeft", "mouthPressLeft", 0.3),
    ("mouthDimpleRight", "mouthPressRight", 0.3),
    ("mouthPressLeft", "mouthLowerDownLeft", 0.3),
    ("mouthPressRight", "mouthLowerDownRight", 0.3),
    ("mouthRollLower", "mouthShrugLower", 0.35),
    ("mouthRollUpper", "mouthShrugUpper", 0.35),
    ("mouthFunnel", "mouthRollLower", 0.3),
    ("mouthFunnel", "mouthRollUpper", 0.3),
    ("mouthUpperUpLeft", "mouthRollUpper", 0.25),
    ("mouthUpperUpRight", "mouthRollUpper", 0.25),
    ("mouthLowerDownLeft", "mouthRollLower", 0.25),
    ("mouthLowerDownRight", "mouthRollLower", 0.25),
)
# Left and right that mostly go together; sigma of their difference. Winks stay free.
SYMMETRIC: PerShape = (
    ("browDown", 0.25),
    ("browOuterUp", 0.3),
    ("cheekSquint", 0.25),
    ("noseSneer", 0.2),
    ("mouthDimple", 0.3),
    ("mouthStretch", 0.3),
    ("mouthPress", 0.25),
    ("mouthLowerDown", 0.25),
    ("mouthUpperUp", 0.25),
    ("mouthFrown", 0.3),
    ("eyeWide", 0.2),
    ("eyeSquint", 0.3),
    ("browInnerUp", 0.25),
    ("cheekPuff", 0.25),
)


@dataclass(frozen=True)
class SamplingSettings:
    """Which vertices are fitted: many where the face moves, few where it does not."""

    count: int = 1000  # more hardly helps: correlated noise does not average out
    # Wished spacing by region, relative to the face's; regions not listed are never fitted.
    spacing: PerShape = (
        ("face", 1.0),
        ("eyes", 0.45),
        ("nose", 0.8),
        ("mouth", 0.5),
        ("ears", 2.5),
        ("scalp", 4.0),
        ("neck", 3.0),
        ("eyeball_left", 0.1),
        ("eyeball_right", 0.1),
        ("tongue", 5.0),
    )
    motion_m: float = 0.004  # a shape that moves a vertex this far halves its spacing
    densest: float = 0.4  # but no motion makes it smaller than this share
    eyeball_front: float = 0.5  # cosine to straight ahead within which an eyeball is seen


@dataclass(frozen=True)
class FitSettings:
    """Weights and limits of the per-frame fit."""

    steps: int = 2  # Gauss-Newton steps from the last frame's state
    far_steps: int = 1  # further ones, in a frame that moved far:
    far_change: float = 0.2  # a coefficient changed by more in those steps,
    far_turn_rad: float = 0.06  # or the head turned by more
    cold_steps: int = 12  # without a last frame
    sampling: SamplingSettings = field(default_factory=SamplingSettings)

    # Static offset of the person's vertices beyond the identity basis.
    offset_modes: int = 0  # smooth modes, three coefficients each; off: see docs/live_fit.md
    offset_width_m: float = 0.02  # over which offsets are alike
    offset_sigma_m: float = 0.002  # of a vertex in x, y or z

    # Data. The network's sigma is per point; neighbours err together, so that a thousand points
    # are worth fewer: a point counts 1 / (points within correlation_uv), times common_share.
    # The distance is short on purpose: what neighbours share moves the pose, while lips and lids
    # live on their difference. At 1/48 the fit lost a third of the mouth's opening on real clips.
    correlation_uv: float = 1 / 400  # distance on the UV map over which errors are alike
    # Whether measured shared errors are marginalised in the fit as well; see docs/live_fit.md.
    marginalise: bool = False
    # If so: what is left of a vertex's own information, since no head model is
    # quite the person. On rendered sequences 1.0 costs a tenth of the coefficients' error, 0.1
    # costs lids.
    own_share: float = 0.25
    common_share: float = 0.6  # what is left after errors that the whole face shares
    # A vertex of an eyeball counts so many times one of the face: few show a look, and their errors
    # are not what the face shares. 3 to 8 do alike on sequences that are in no table.
    eyeball_weight: float = 4.0
    student_dof: float = 4.0  # smaller forgives outliers more
    sigma_floor_share: float = 0.002  # of the face size: no network is surer than this
    facing_zero: float = 0.02  # cosine of normal to view ray at which a vertex stops to count
    facing_full: float = 0.35  # and from which it counts fully
    hidden_share: float = 0.02  # what an averted vertex still counts: the network guesses it

    # Priors inside a frame.
    expression_sigma: PerShape = EXPRESSION_SIGMA
    exclusive: tuple[tuple[str, str, float], ...] = EXCLUSIVE  # last: share, 0 none .. 1 strongest
    symmetric: PerShape = SYMMETRIC
    gaze_sigma_rad: float = 0.5
    vergence_rad: float = 0.06  # by which the eyes' yaw differs: they look a metre away
    vergence_sigma_rad: float = 0.05  # about that
    tilt_sigma_rad: float = 0.03  # of the difference of the eyes' pitch: eyes go up together
    lid_follows_gaze_sigma: float = 0.15  # of an eyeLook coefficient about the one gaze implies
    # Of the difference of both blinks, where both eyes are seen equally well, and where one is not.
    wink_sigma: float = 0.6
    unseen_lid_sigma: float = 0.07
    # Lids and lips that the network sees closed are held together, see contact.py.
    contact_sigma_m: float = 0.0004  # what is left between closed rims
    contact_share: float = 0.25  # sigma of a gap, of that of two points that err independently
    neck_sigma_rad: float = 0.1
    # Share of the information that the network's own reading of the expression counts; 0: none.
    # Small: it comes from the same picture as the points, which know the single shapes better. On
    # rendered sequences 0.3 takes 6 % off the coefficients' error, 1.0 no more, and costs lids.
    expression_prior_weight: float = 0.3

    # Priors between frames: sigma of what changes in 1/30 s; grows with the square root of time.
    expression_step_sigma: PerShape = EXPRESSION_STEP_SIGMA
    gaze_step_sigma_rad: float = 0.16
    neck_step_sigma_rad: float = 0.02
    rotation_step_sigma_rad: float = 0.02
    shift_step_sigma_m: float = 0.006
    # The pose goes on at the velocity of the frames before: share of the way to a new one that a
    # frame takes it; 0: a random walk. What is left of a step is surprise.
    velocity_gain: float = 0.3
    step_dof: float = 3.0  # heavy tails: small jitter is held, a real movement is let go

    # Limits.
    gaze_limit_rad: float = 0.8
    neck_limit_rad: float = 0.7
    damping: float = 1e-4  # of the diagonal; keeps a step finite where nothing is seen

    def __post_init__(self) -> None:
        shares = ("own_share", "common_share", "eyeball_weight", "far_change", "far_turn_rad")
        for name in ("steps", "far_steps", "cold_steps", *shares, "student_dof", "step_dof"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"fit.{name}: {getattr(self, name)}; must be above 0")
        if self.expression_prior_weight < 0:
            raise ConfigError(
                f"fit.expression_prior_weight: {self.expression_prior_weight}; must be 0 or above"
            )
        if self.facing_full <= self.facing_zero:
            raise ConfigError(
                f"fit.facing_full: {self.facing_full}; must be above facing_zero {self.facing_zero}"
            )


@dataclass(frozen=True)
class EnrolSettings:
    """How the person's shape and the focal length are learnt from chosen frames."""

    first_frames: tuple[int, ...] = (1, 2, 4, 8, 16)  # tracked frames that are always used
    first_worth: float = 0.5  # of a frame that they count at least, however alike they are
    interval_frames: int = 4  # at least so many frames between two looks later on
    # Errors of two frames are alike by exp(-d^2 / 2), d the distance in these units.
    alike_rotation_rad: float = 0.12
    alike_expression: float = 0.8  # Euclidean norm over all coefficients
    most_alike: float = 0.6  # to a frame looked at before: above, it cannot be news
    least_gain: float = 1.0  # nats by which a keyframe must narrow the person down
    views: int = 96  # frames that a new one is compared with
    remembered: float = 40.0  # keyframes' worth of evidence kept; older ones fade
    # How badly a stored person explains this session's keyframes; 1: no better than the mean head.
    # On rendered sequences the same person had 0.05 to 0.5 (0.8 for one who grimaced throughout),
    # others 0.5 to 2.3. Above the first it is a guest, below the second the one stored.
    stranger_misfit: float = 0.45
    known_misfit: float = 0.35
    recognised_after: int = 3  # keyframes
    identity_sigma: float = 1.0  # the basis is scaled so that people are N(0, 1)
    # Share of what the network's own reading of the person adds to people in general; 0: nothing.
    # On rendered sequences its errors are 1.5 times what it states: 1 / 1.5^2.
    identity_prior_weight: float = 0.4
    # Of the errors of that reading in two frames of one person. It caps what many frames are worth:
    # on rendered sequences 0.99 of the squared error is the same in all frames, so hardly more than
    # one frame.
    identity_correlation: float = 0.95
    offset_after: int = 8  # keyframes; before, all is put down to the identity
    offset_most: float = 2.5  # standard deviations that an offset's coefficient may reach
    focal_sigma: float = 0.15  # of the logarithm of focal length about the assumed one
    fit_focal: bool = True
    rate: float = 0.6  # share of the way taken at an update, after the first few
    largest_step: float = 0.5  # Euclidean norm of a change of coefficients, about 0.25 mm
    # Learn on a thread of its own, so that no frame waits; results then depend on timing.
    threaded: bool = False

    def __post_init__(self) -> None:
        if self.identity_prior_weight < 0:
            raise ConfigError(
                f"enrol.identity_prior_weight: {self.identity_prior_weight}; must be 0 or above"
            )
        if not 0 <= self.identity_correlation <= 1:
            raise ConfigError(
                f"enrol.identity_correlation: {self.identity_correlation}; allowed are 0 to 1"
            )


@dataclass(frozen=True)
class TrustSettings:
    """When a fit is believed to lie on a face. Shares are of the face size.

    Face size is the square root of the area of the landmarks' box.
    """

    smallest_face_px: float = 24.0
    sigma_share: float = 0.045  # median sigma of the visible vertices; clear faces: 0.01 to 0.02
    rms_share: float = 0.05  # median distance of alignment and fit: no head looks like that above
    outlier_share: float = 0.08  # a vertex farther off than this is an outlier
    inlier_share: float = 0.75  # of the visible vertices that must not be outliers
    inside_share: float = 0.45  # of the face's vertices that must lie in the image
    nearest_m: float = 0.08
    farthest_m: float = 6.0
    averted_cosine: float = -0.1  # of the angle to the camera: the back of a head is no face


@dataclass(frozen=True)
class MotionSettings:
    """How the last frame's fit, carried along by optical flow, enters this one; see motion.py."""

    weight: float = 1.0  # of what is carried over, beside the alignment; 0: no flow at all
    alike_frames: float = 15.0  # alignments err alike for so long: only such a time tells more
    # Of that where mouth and jaw move. Flow trails lips: at 1 the jaw errs a third more on rendered
    # sequences, at 0.1 the clips are a twelfth less still.
    jaw_share: float = 0.25
    # Of all that eyeballs count, the same: flow sees the lids and reflections before them. At 1
    # gaze errs up to a third more on rendered sequences, at 0 the eyes of a still face tremble by
    # 0.2 degrees.
    eyeball_share: float = 0.06
    renew: float = 15.0  # what carries over is forgotten so much where the flow is refuted
    # All that moves with the jaw is carried as one, and so is the whole head: fully while flow is
    # refuted at the first share of its vertices, not at all from the second.
    part_refuted: tuple[float, float] = (0.4, 0.6)

    # Flow.
    side_px: int = 320  # the face's window is brought to this: DIS looks at a quarter of it
    enlarge: float = 2.0  # but not by more than this
    margin: float = 0.1  # of the face's size around it
    sigma_px: float = 0.15  # error in x and in y where all is well, pixels of the window
    disagree_px: float = 1.5  # between flow and its reverse; nothing is believed above
    least_slope: float = 0.3  # grey levels a pixel: a blank wall seems to stand still
    least_share: float = 0.4  # of the vertices must be believed, or none is: a cut
    longest_s: float = 0.15  # since the last frame
    student_dof: float = 4.0  # smaller forgives more where carried and fitted vertices differ

    # The alignment's own step since the last frame, which refutes flow and stands in for it.
    step_sigma_share: float = 0.2  # its error, share of sigma; measured on rendered sequences
    free: float = 6.0  # flow and step may differ by so much, in squares of that error
    steps: float = 0.1  # weight of the step where flow is refuted

    def __post_init__(self) -> None:
        for name in ("alike_frames", "side_px", "sigma_px", "student_dof", "step_sigma_share"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"motion.{name}: {getattr(self, name)}; must be above 0")
        for name in ("weight", "jaw_share", "eyeball_share", "renew", "free", "steps"):
            if getattr(self, name) < 0:
                raise ConfigError(f"motion.{name}: {getattr(self, name)}; must be 0 or above")
        begins, ends = self.part_refuted
        if not 0 <= begins < ends:
            raise ConfigError(f"motion.part_refuted: {self.part_refuted}; needs two rising shares")


@dataclass(frozen=True)
class LikenessSettings:
    """When a face is taken for another person's by its looks; see likeness.py and familiar.py.

    On the development clips 99 % of the frames of a clip were at least 0.84 like the mean of those
    before; between clips the median was 0.57, and 99 % were below 0.84.
    """

    same_above: float = 0.8  # such a face is what the person looks like now
    stranger_below: float = 0.65  # such a face is somebody else's
    # A face that is found again in the view in which the person was lost must look like them now:
    # 0.5 % of the clips' frames do not. In another view it must only not be a stranger's.
    same_view_rad: float = 0.26
    strange_frames: int = 3  # in a row, until a face that is followed is let go
    # A face that goes on from frame to frame stays the same person, whatever it comes to look like.
    # Where another takes its place, the flow is refuted to 0.72 or more, or the looks of successive
    # frames fall below 0.8; a head that turns by 2 degrees a frame has at most 0.6 and at least
    # 0.84, glasses that reflect the room included.
    most_refuted: float = 0.7  # mean over the vertices
    next_above: float = 0.8
    patience_s: float = 2.0  # strangers are refused for so long after the person was last seen
    known_after: int = 10  # frames, before which nobody is a stranger
    remembered: int = 100  # frames that the memory of the person spans
    side_px: int = 64  # a face's box is brought to this: pores and noise do not count
    least_facing: float = 0.7  # cosine to the camera: of a face turned farther nothing is said
    # Uncovered faces of the clips have 0.008 to 0.013, half covered ones 0.016 to 0.03.
    most_sigma_share: float = 0.014  # see TrustSettings; of a face less sure nothing is said
    # Third quartile of sigma over its median: uncovered faces have 1.3 to 1.6, a hand before the
    # mouth makes it 1.6 to 1.9. What is left of such a face can look like anybody.
    most_uneven: float = 1.6
    least_seen: float = 0.5  # share of the side that faces the camera, or nothing is said
    least_contrast: float = 0.03  # deviation of the logarithm of grey, or nothing is said
    cut_levels: float = 30.0  # mean change of grey between two frames that is another picture
    afresh_after_s: float = 0.5  # without a frame; then the past says nothing of the next one

    def __post_init__(self) -> None:
        if not self.stranger_below <= self.same_above:
            raise ConfigError(
                f"likeness.stranger_below: {self.stranger_below}; "
                f"must not be above same_above {self.same_above}"
            )
        for name in ("strange_frames", "known_after", "remembered", "side_px"):
            if getattr(self, name) < 1:
                raise ConfigError(f"likeness.{name}: {getattr(self, name)}; must be 1 or above")


@dataclass(frozen=True)
class TrackerSettings:
    """What the tracker is built of, and where it looks next."""

    fit: FitSettings = field(default_factory=FitSettings)
    enrol: EnrolSettings = field(default_factory=EnrolSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    likeness: LikenessSettings = field(default_factory=LikenessSettings)
    retarget: RetargetSettings = field(default_factory=RetargetSettings)
    lead: float = 0.7  # share of the last frame-to-frame motion by which the crop moves ahead
    first_look_leniency: float = 2.0  # a detector's box is rough: its shares are widened so much
    candidates: int = 2  # faces tried in a frame while searching
    warm_start: bool = False  # the network goes on from what it found in the frame before
    warm_longest_s: float = 0.15  # unless that was longer ago: the face has moved on
    stranger_share: float = 0.035  # a fit whose distance stays above is another person
    stranger_after_s: float = 1.0


def per_shape(names: tuple[str, ...], table: PerShape) -> Array:
    """Return one value per name, from the longest entry of the table that the name starts with.

    Raises ConfigError if a name has no entry, or an entry fits no name.
    """
    values = np.empty(len(names))
    used: set[str] = set()
    for index, name in enumerate(names):
        fitting = [entry for entry in table if name.startswith(entry[0])]
        if not fitting:
            raise ConfigError(f"{name}: no entry in the table; add one, or '' for all others")
        start, values[index] = max(fitting, key=lambda entry: len(entry[0]))
        used.add(start)
    unknown = {start for start, _ in table if start} - used
    if unknown:
        raise ConfigError(f"{', '.join(sorted(unknown))}: fits none of {', '.join(names)}")
    return values
