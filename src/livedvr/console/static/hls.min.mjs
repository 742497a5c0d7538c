// In its place `scripts/setup` has hls.js; without it the browser plays by itself.
export default null;
