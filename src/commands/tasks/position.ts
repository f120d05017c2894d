// Where something stands in an order made by hand: any number, so that there is always room between two. What is not
// told its place gets the time of its making in milliseconds, and so comes last.
import { z } from 'zod';

export const position = z.number().min(-1e15).max(1e15);
