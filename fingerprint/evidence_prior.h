/* What presence looks like: see evidence.h. Learned by train/evidence.py from mixtures of the train split at 0 to -30
 * dB, such that as many true hypotheses as possible pass 29.5 nats; any other numbers would leave the bound on wrong
 * ones as it is. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_EVIDENCE_PRIOR_H
#define UT_FINGERPRINT_EVIDENCE_PRIOR_H

enum { UT_EVIDENCE_STATES = 16, UT_EVIDENCE_SITUATIONS = 3, UT_EVIDENCE_LEVELS = 4 };

/* Parts of the reference's peaks that show in a cell. */
static const double UT_EVIDENCE_LEVEL[UT_EVIDENCE_LEVELS] = {0.0, 0.0778, 0.2720, 0.6467};

/* How common each situation is; */
static const double UT_EVIDENCE_WEIGHT[UT_EVIDENCE_SITUATIONS] = {0.8053, 0.1466, 0.0481};

/* how common each level is in it; */
static const double UT_EVIDENCE_PRIOR[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_LEVELS] = {
    {0.2200, 0.4604, 0.3025, 0.0172}, {0.2296, 0.4619, 0.2351, 0.0734}, {0.4812, 0.1806, 0.0773, 0.2609}};

/* and in which states a peak that shows is seen: the mixture has nothing, one beside, one a frame off, the peak itself
 * (rows); the music the same (columns). */
static const double UT_EVIDENCE_PRESENCE[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_STATES] = {
    {0.0046, 0.1302, 0.4001, 0.3562, /**/ 0.0324, 0.0149, 0.0028, 0.0009, /**/
     0.0166, 0.0030, 0.0148, 0.0012, /**/ 0.0080, 0.0006, 0.0010, 0.0128},
    {0.0412, 0.0301, 0.2286, 0.3907, /**/ 0.0367, 0.0140, 0.0007, 0.0012, /**/
     0.0428, 0.0018, 0.0384, 0.0182, /**/ 0.0570, 0.0094, 0.0033, 0.0859},
    {0.0005, 0.0608, 0.2721, 0.1865, /**/ 0.0071, 0.0006, 0.0008, 0.0006, /**/
     0.0416, 0.0094, 0.1080, 0.0294, /**/ 0.0620, 0.0009, 0.0748, 0.1448}};

#endif
