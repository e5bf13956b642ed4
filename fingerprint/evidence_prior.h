/* What presence looks like: see evidence.h. Made by train/evidence.py from mixtures of the train split at 0 to -30 dB,
 * such that as many true hypotheses as possible pass 29.5 nats; any other numbers would leave the bound on wrong ones
 * as it is. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_EVIDENCE_PRIOR_H
#define UT_FINGERPRINT_EVIDENCE_PRIOR_H

enum {
    UT_EVIDENCE_SIGHTS = 6, /* of one witness */
    UT_EVIDENCE_STATES = UT_EVIDENCE_SIGHTS * UT_EVIDENCE_SIGHTS,
    UT_EVIDENCE_SITUATIONS = 3,
    UT_EVIDENCE_LEVELS = 4,
};

typedef struct {
    double level[UT_EVIDENCE_LEVELS];                            /* parts of a cell's peaks that show */
    double weight[UT_EVIDENCE_SITUATIONS];                       /* how common each situation is, */
    double levels[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_LEVELS];   /* how common each part in it, */
    double presence[UT_EVIDENCE_SITUATIONS][UT_EVIDENCE_STATES]; /* and in which states a peak that shows is seen: a
                                                                  * line for each sight of the mixture */
} ut_evidence_prior;

/* The mixture and the separated music. */
static const ut_evidence_prior UT_EVIDENCE_JOINT = {
    .level = {0.0000, 0.1240, 0.4733, 0.8284},
    .weight = {0.8919, 0.0841, 0.0240},
    .levels = {{0.2457, 0.4734, 0.2756, 0.0053}, {0.2758, 0.4633, 0.1469, 0.1140}, {0.3001, 0.1366, 0.0653, 0.4980}},
    .presence = {{0.0043, 0.0777, 0.0975, 0.1064, 0.0496, 0.0398, /**/
                  0.0249, 0.0103, 0.0034, 0.0011, 0.0008, 0.0017, /**/
                  0.0264, 0.0026, 0.0875, 0.0145, 0.0921, 0.0131, /**/
                  0.0331, 0.0114, 0.0156, 0.0925, 0.0221, 0.1258, /**/
                  0.0038, 0.0006, 0.0091, 0.0022, 0.0067, 0.0015, /**/
                  0.0058, 0.0008, 0.0016, 0.0045, 0.0016, 0.0077},
                 {0.0023, 0.0051, 0.0259, 0.0468, 0.0472, 0.0282, /**/
                  0.0078, 0.0093, 0.0006, 0.0009, 0.0013, 0.0018, /**/
                  0.0461, 0.0018, 0.0672, 0.0038, 0.1019, 0.0123, /**/
                  0.0487, 0.0023, 0.0169, 0.0799, 0.0233, 0.2110, /**/
                  0.0081, 0.0053, 0.0170, 0.0025, 0.0300, 0.0136, /**/
                  0.0228, 0.0063, 0.0117, 0.0092, 0.0108, 0.0701},
                 {0.0004, 0.0295, 0.0006, 0.0015, 0.0047, 0.0026, /**/
                  0.0015, 0.0006, 0.0006, 0.0019, 0.0015, 0.0033, /**/
                  0.0006, 0.0435, 0.0764, 0.0021, 0.0567, 0.0062, /**/
                  0.0425, 0.0485, 0.0031, 0.0038, 0.0133, 0.2203, /**/
                  0.0017, 0.0016, 0.0494, 0.0047, 0.0616, 0.0140, /**/
                  0.0054, 0.0055, 0.0057, 0.0368, 0.1314, 0.1166}},
};

/* The mixture alone: the music sees nothing. */
static const ut_evidence_prior UT_EVIDENCE_ALONE = {
    .level = {0.0000, 0.1424, 0.4775, 0.8491},
    .weight = {0.7660, 0.2032, 0.0308},
    .levels = {{0.2294, 0.5349, 0.2321, 0.0036}, {0.2315, 0.4683, 0.2264, 0.0739}, {0.4736, 0.3330, 0.0836, 0.1098}},
    .presence = {{0.0925, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0267, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.3301, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.5166, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0153, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0188, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000},
                 {0.0823, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0431, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.3032, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.4011, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0742, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0960, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000},
                 {0.0524, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0326, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.2516, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.1920, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.0823, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, /**/
                  0.3891, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000}},
};

#endif
