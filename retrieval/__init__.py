"""From a folder on disk to ranked results, and the measures of how good they are."""

import encoders as encoders  # for what it does when imported: it forbids telemetry
