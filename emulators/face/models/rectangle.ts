import type { DetectionModel, Rectangle } from '../contract/vision.ts';
import type { Box } from './boxes.ts';

/**
 * The rectangle of a face in the style of a detection model, in whole pixels inside the picture. The detector's box
 * reaches from the forehead to the chin and is higher than wide, as the answers of detection_03 are; detection_01
 * answers squares, from the brows to the chin and as wide as the head.
 */
export function rectangleOf(
  box: Box,
  model: DetectionModel,
  picture: { width: number; height: number },
): Rectangle {
  const { x1, y1, x2, y2 } = model === 'detection_01' ? square(box) : box;
  const left = within(x1, picture.width - 1);
  const top = within(y1, picture.height - 1);
  return {
    left,
    top,
    width: Math.max(1, within(x2, picture.width) - left),
    height: Math.max(1, within(y2, picture.height) - top),
  };
}

function square({ x1, y1, x2, y2, score }: Box): Box {
  const side = Math.sqrt((x2 - x1) * (y2 - y1));
  const left = (x1 + x2 - side) / 2;
  return { x1: left, y1: y2 - side, x2: left + side, y2, score };
}

function within(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(value)));
}
