// Pictures along the timeline.

export function draw() {}
export function live() {}
