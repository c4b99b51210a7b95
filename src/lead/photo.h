/* Photo: a picture without what cameras and programs hide in it: place, time, device, owner,
 * comments, previews, whatever is behind its end. What makes the picture stays byte for byte, so
 * nothing is decoded. JPEG (ITU-T T.81, JFIF 1.02) and PNG (RFC 2083 and W3C PNG 3); other kinds
 * are for mat2, on a reviewer's machine. What the picture itself shows, and patterns of a camera's
 * sensor in its pixels, stay. */
#pragma once

#include "base/buf.h"

/* Appends the picture: 1; 0: no kind that we know; -1: it says that it is one, and is cut short or
 * damaged. Nothing is appended then. */
int photo_strip(struct span in, struct buf *out);
