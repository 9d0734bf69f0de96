const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const FACTORS = [86_400_000, 3_600_000, 60_000, 1000];

/** A duration of the API, such as `PT2.5S`, in milliseconds; null for null. */
export const milliseconds = (duration) =>
  duration === null
    ? null
    : DURATION.exec(duration)
        .slice(1)
        .reduce((sum, part, index) => sum + Number(part ?? 0) * FACTORS[index], 0);
