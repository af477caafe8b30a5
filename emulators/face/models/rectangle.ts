import type { DetectionModel, Rectangle } from '../contract/vision.ts';
import type { Box } from './boxes.ts';

/**
 * The rectangle of a face in the style of a detection model, in whole pixels inside the image. The detector's box
 * reaches from the forehead to the chin and is higher than wide, like the rectangles of detection_03. Those of
 * detection_01 are squares from the brows to the chin, as wide as the head.
 */
export function toRectangle(
  box: Box,
  model: DetectionModel,
  image: { width: number; height: number },
): Rectangle {
  const { x1, y1, x2, y2 } = model === 'detection_01' ? square(box) : box;
  const left = clamp(x1, image.width - 1);
  const top = clamp(y1, image.height - 1);
  return {
    left,
    top,
    width: Math.max(1, clamp(x2, image.width) - left),
    height: Math.max(1, clamp(y2, image.height) - top),
  };
}

function square({ x1, y1, x2, y2, score }: Box): Box {
  const side = Math.sqrt((x2 - x1) * (y2 - y1));
  const left = (x1 + x2 - side) / 2;
  return { x1: left, y1: y2 - side, x2: left + side, y2, score };
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(value)));
}
